-- The one column that a table is partitioned by, and its type; no row where it is partitioned by
-- anything else. Parameters: schema, table.
SELECT a.attname, format_type(a.atttypid, NULL)
FROM pg_partitioned_table p
JOIN pg_class c ON c.oid = p.partrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
WHERE n.nspname = %(schema)s AND c.relname = %(table)s
  AND p.partstrat = 'r' AND p.partnatts = 1
