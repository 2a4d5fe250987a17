-- Everything in one schema that a dataset's schema.sql can define, as (kind, table, name, detail).
-- Run with search_path set to that schema: PostgreSQL then writes the definitions without its
-- name, so that the same file built in two schemas reads the same. In order of creation.
-- Parameter: schema.
WITH tables AS (
  SELECT c.oid, c.relname, c.relkind, c.relispartition, c.relpartbound
  FROM pg_class c
  WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (
      SELECT FROM pg_depend d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
),
objects AS (
  SELECT 1 AS rank, t.oid::bigint AS place, 'table' AS kind, t.relname AS table_name,
      t.relname AS name,
      jsonb_build_object(
        'partition_key', pg_get_partkeydef(t.oid),
        'parent', CASE WHEN t.relispartition THEN
          (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = t.oid) END,
        'bound', pg_get_expr(t.relpartbound, t.oid)
      ) AS detail
  FROM tables t
  UNION ALL
  SELECT 2, a.attrelid::bigint * 10000 + a.attnum, 'column', t.relname, a.attname,
      jsonb_build_object(
        'type', format_type(a.atttypid, a.atttypmod),
        'not_null', a.attnotnull,
        'default', CASE WHEN a.attgenerated = '' AND NOT serial.owned
          THEN pg_get_expr(d.adbin, d.adrelid) END,
        'generated', CASE a.attgenerated
          WHEN 's' THEN format('(%%s) STORED', pg_get_expr(d.adbin, d.adrelid))
          WHEN 'v' THEN format('(%%s) VIRTUAL', pg_get_expr(d.adbin, d.adrelid)) END,
        'identity', a.attidentity,
        'serial', serial.owned,
        'collation', CASE WHEN a.attcollation <> typ.typcollation
          THEN a.attcollation::regcollation::text END
      )
  FROM tables t
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attinhcount = 0
  JOIN pg_type typ ON typ.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  CROSS JOIN LATERAL (
    SELECT a.attidentity = '' AND EXISTS (
      SELECT FROM pg_depend dep
      WHERE dep.refclassid = 'pg_class'::regclass AND dep.refobjid = t.oid
        AND dep.refobjsubid = a.attnum AND dep.deptype = 'a'
        AND dep.classid = 'pg_class'::regclass
        AND dep.objid IN (SELECT s.oid FROM pg_class s WHERE s.relkind = 'S')
    ) AS owned
  ) serial
  UNION ALL
  SELECT 3, con.oid::bigint, 'constraint', t.relname, con.conname,
      jsonb_build_object('type', con.contype, 'definition', pg_get_constraintdef(con.oid))
  FROM tables t
  JOIN pg_constraint con ON con.conrelid = t.oid
    AND con.contype IN ('p', 'u', 'c', 'f', 'x') AND con.conparentid = 0 AND con.conislocal
  UNION ALL
  SELECT 4, c.oid::bigint, 'index', t.relname, c.relname,
      jsonb_build_object('definition', pg_get_indexdef(i.indexrelid, 0, true))
  FROM tables t
  JOIN pg_index i ON i.indrelid = t.oid
  JOIN pg_class c ON c.oid = i.indexrelid AND NOT c.relispartition
  WHERE NOT EXISTS (SELECT FROM pg_constraint con WHERE con.conindid = i.indexrelid
                    AND con.contype IN ('p', 'u', 'x'))
  UNION ALL
  SELECT 5, t.oid::bigint * 10000 + d.objsubid, 'comment', t.relname, coalesce(a.attname, ''),
      jsonb_build_object('text', d.description)
  FROM tables t
  JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = t.oid
  LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.objsubid AND d.objsubid > 0
  UNION ALL
  SELECT 0, typ.oid::bigint, 'enum', '', typ.typname,
      jsonb_build_object('labels', (
        SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = typ.oid))
  FROM pg_type typ
  WHERE typ.typnamespace = %(schema)s::regnamespace AND typ.typtype = 'e'
  UNION ALL
  SELECT 6, typ.oid::bigint, 'domain', '', typ.typname,
      jsonb_build_object(
        'type', format_type(typ.typbasetype, typ.typtypmod), 'not_null', typ.typnotnull,
        'default', typ.typdefault,
        'constraints', (
          SELECT jsonb_agg(pg_get_constraintdef(con.oid) ORDER BY con.conname)
          FROM pg_constraint con WHERE con.contypid = typ.oid AND con.contype = 'c'))
  FROM pg_type typ
  WHERE typ.typnamespace = %(schema)s::regnamespace AND typ.typtype = 'd'
  UNION ALL
  SELECT 7, p.oid::bigint, 'function', '', p.oid::regprocedure::text,
      jsonb_build_object(
        'returns', pg_get_function_result(p.oid), 'arguments', pg_get_function_arguments(p.oid),
        'source', p.prosrc, 'body', pg_get_function_sqlbody(p.oid), 'volatile', p.provolatile,
        'definer', p.prosecdef, 'settings', p.proconfig)
  FROM pg_proc p
  WHERE p.pronamespace = %(schema)s::regnamespace AND p.prokind <> 'a'
  UNION ALL
  SELECT 8, c.oid::bigint,
      CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, '', c.relname,
      jsonb_build_object('definition', pg_get_viewdef(c.oid, true))
  FROM pg_class c
  WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('v', 'm')
  UNION ALL
  SELECT 9, g.oid::bigint, 'trigger', t.relname, g.tgname,
      jsonb_build_object('definition', pg_get_triggerdef(g.oid, true))
  FROM tables t
  JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgparentid = 0
)
SELECT kind, table_name, name, detail::text FROM objects ORDER BY rank, place
