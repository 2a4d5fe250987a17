-- The foreign keys that a table has or is the aim of, with their columns in one order: as (name,
-- referencing oid, schema, table, columns, referenced oid, schema, table, columns).
-- Parameter: the table's oid.
SELECT con.conname,
    c.oid::bigint, n.nspname, c.relname, near.columns,
    fc.oid::bigint, fn.nspname, fc.relname, far.columns
FROM pg_constraint con
JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class fc ON fc.oid = con.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY u.place) AS columns
    FROM unnest(con.conkey) WITH ORDINALITY AS u(attnum, place)
    JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum
) near
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY u.place) AS columns
    FROM unnest(con.confkey) WITH ORDINALITY AS u(attnum, place)
    JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.attnum
) far
WHERE con.contype = 'f' AND con.conparentid = 0 AND con.convalidated
  AND %(oid)s IN (con.conrelid, con.confrelid) AND n.nspname NOT LIKE 'undo\_%%'
ORDER BY n.nspname, c.relname, con.conname
