-- Fill the table with this many rows.
INSERT INTO bench.narrow_fk
SELECT n, 'Employee Number ' || n, now(), 1 + mod(n, 12), 1 + mod(n, 183)
FROM generate_series(1, %s) n
