-- Rows of employees' shape, and a table of mixed types. Variables: rows,
-- mixed_rows.
INSERT INTO hiring.departments SELECT n, 'Department ' || n FROM generate_series(1, 12) n;
INSERT INTO hiring.jobs SELECT n, 'Job ' || n FROM generate_series(1, 183) n;
INSERT INTO hiring.employees
SELECT n, 'First' || (n % 4999) || ' Last' || (n::bigint * 7919 % 100003),
    timestamptz '2021-01-01' + (n::bigint * 37 % 31536000) * interval '1 second',
    n % 12 + 1, n % 183 + 1
FROM generate_series(1, :rows) n;
CREATE TABLE hiring.mixed (
    id bigint PRIMARY KEY, amount numeric(12,2), rate numeric, doc jsonb, ref uuid, note text,
    score double precision
);
INSERT INTO hiring.mixed
SELECT n, CASE WHEN n % 5 > 0 THEN (n::bigint * 7919 % 100000000) / 100.0 END,
    CASE WHEN n % 3 > 0 THEN n / 7.0::numeric END,
    CASE WHEN n % 4 > 0
        THEN jsonb_build_object('a', n, 'b', array[n, n + 1], 'c', 'text ' || n) END,
    gen_random_uuid(), CASE WHEN n % 6 > 0 THEN 'note number ' || n END, random()
FROM generate_series(1, :mixed_rows) n;
VACUUM ANALYZE;
