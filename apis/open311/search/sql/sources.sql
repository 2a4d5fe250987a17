-- The views that incidents are published from, with their columns and the schemas of what they
-- read, also through other views; our own first.
WITH RECURSIVE source AS (
  SELECT oid, relname FROM pg_class
  WHERE relnamespace = to_regnamespace('open311')
    AND relkind IN ('v', 'm') AND relname LIKE 'incidents\_from\_%%'
),
read AS (
  SELECT oid AS source, oid FROM source
  UNION
  SELECT read.source, d.refobjid
  FROM read
  JOIN pg_rewrite r ON r.ev_class = read.oid
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass
)
SELECT source.relname,
  ARRAY(
    SELECT attname::text FROM pg_attribute
    WHERE attrelid = source.oid AND attnum > 0 AND NOT attisdropped
  ) AS columns,
  ARRAY(
    SELECT DISTINCT n.nspname::text
    FROM read JOIN pg_class c ON c.oid = read.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE read.source = source.oid
  ) AS schemas
FROM source
ORDER BY source.relname <> 'incidents_from_open311', source.relname
