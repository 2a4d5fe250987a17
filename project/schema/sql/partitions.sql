-- A table's partitions: name, whether it takes what no other does, and its bounds as moments (null:
-- none, or beyond what a calendar has). Run in UTC. Parameters: schema, table.
WITH partition AS (
  SELECT child.relname, pg_get_expr(child.relpartbound, child.oid) AS bound
  FROM pg_class parent
  JOIN pg_namespace n ON n.oid = parent.relnamespace
  JOIN pg_inherits i ON i.inhparent = parent.oid
  JOIN pg_class child ON child.oid = i.inhrelid AND child.relispartition
  WHERE n.nspname = %(schema)s AND parent.relname = %(table)s
    AND child.relnamespace = parent.relnamespace
),
bounded AS (
  SELECT relname, bound = 'DEFAULT' AS takes_the_rest,
    (regexp_match(bound, 'FROM \(''([^'']+)''\)'))[1]::timestamptz AS low,
    (regexp_match(bound, 'TO \(''([^'']+)''\)'))[1]::timestamptz AS high
  FROM partition
)
SELECT relname, takes_the_rest,
  CASE WHEN isfinite(low) THEN low END, CASE WHEN isfinite(high) THEN high END
FROM bounded
ORDER BY takes_the_rest, low NULLS FIRST, relname
