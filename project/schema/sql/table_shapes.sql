-- What distribution depends on, of every table: its columns, unique keys and foreign keys.
-- Parameter: schemas.
SELECT json_build_object(
    'schema', n.nspname,
    'name', c.relname,
    'is_partition', c.relispartition,
    'columns', (
      SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'keys', (
      SELECT coalesce(json_agg(json_build_object(
        'name', k.relname,
        'columns', (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
                    FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]))
      ) ORDER BY k.relname), '[]')
      FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
      WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)),
    'references', (
      SELECT coalesce(json_agg(json_build_object(
        'name', con.conname,
        'schema', fn.nspname,
        'table', fc.relname,
        'columns', (SELECT json_agg(a.attname ORDER BY u.place)
                    FROM unnest(con.conkey) WITH ORDINALITY u(attnum, place)
                    JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum),
        'referenced', (SELECT json_agg(a.attname ORDER BY u.place)
                       FROM unnest(con.confkey) WITH ORDINALITY u(attnum, place)
                       JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.attnum)
      ) ORDER BY con.conname), '[]')
      FROM pg_constraint con
      JOIN pg_class fc ON fc.oid = con.confrelid
      JOIN pg_namespace fn ON fn.oid = fc.relnamespace
      WHERE con.conrelid = c.oid AND con.contype = 'f' AND con.conparentid = 0)
  )::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p')
ORDER BY n.nspname, c.relname
