-- The foreign keys from and to a table, with their columns in matching order: as (name,
-- referencing oid, schema, table, columns, referenced oid, schema, table, columns).
-- Parameter: the table's oid.
SELECT con.conname,
    c.oid::bigint, n.nspname, c.relname, referencing.columns,
    fc.oid::bigint, fn.nspname, fc.relname, referenced.columns
FROM pg_constraint con
JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class fc ON fc.oid = con.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY u.position) AS columns
    FROM unnest(con.conkey) WITH ORDINALITY AS u(attnum, position)
    JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum
) referencing
CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY u.position) AS columns
    FROM unnest(con.confkey) WITH ORDINALITY AS u(attnum, position)
    JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.attnum
) referenced
WHERE con.contype = 'f' AND con.conparentid = 0 AND con.convalidated
  AND %(oid)s IN (con.conrelid, con.confrelid) AND n.nspname NOT LIKE 'undo\_%%'
ORDER BY n.nspname, c.relname, con.conname
