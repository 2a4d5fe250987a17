-- What a request must know before it trusts what its process remembers about a table: which
-- tables the name means, and a figure that changes with every change of their definition.
-- Every DDL statement writes catalog rows with a new, higher xmin, so the number of the rows and
-- the sum of their xmin tell one definition from another; vacuum and analyze leave xmin alone.
-- A function, because planning this costs ten times as much as running it: a function's plan is
-- kept by the server's session, also where a pooler lets nobody prepare a statement.
CREATE OR REPLACE FUNCTION service.table_versions(wanted name, schemas name[])
RETURNS TABLE (table_oid bigint, schema_name name, fingerprint text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT c.oid::bigint, n.nspname,
      concat_ws('.', c.oid, c.xmin, n.xmin, columns.figure, defaults.figure, constraints.figure,
                types.figure, indexes.figure, triggers.figure)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
      SELECT count(*) || '-' || sum(a.xmin::text::bigint) AS figure,
          array_agg(a.atttypid) FILTER (WHERE a.atttypid >= 16384) AS type_oids
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
  ) columns
  CROSS JOIN LATERAL (
      SELECT count(*) || '-' || sum(d.xmin::text::bigint) AS figure
      FROM pg_attrdef d WHERE d.adrelid = c.oid
  ) defaults
  CROSS JOIN LATERAL (
      -- Of a foreign key also the names it refers to.
      SELECT concat_ws('-', count(*), sum(con.xmin::text::bigint), sum(fc.xmin::text::bigint),
                       sum((SELECT sum(fa.xmin::text::bigint) FROM pg_attribute fa
                            WHERE fa.attrelid = con.confrelid AND fa.attnum = ANY (con.confkey)))
                      ) AS figure
      FROM pg_constraint con LEFT JOIN pg_class fc ON fc.oid = con.confrelid
      WHERE con.conrelid = c.oid
  ) constraints
  CROSS JOIN LATERAL (
      -- Enum labels and domain rules, also below domains and inside arrays.
      SELECT CASE WHEN columns.type_oids IS NOT NULL THEN (
          WITH RECURSIVE made AS (
              SELECT t.oid, t.xmin::text::bigint AS version, t.typbasetype, t.typelem
              FROM pg_type t WHERE t.oid = ANY (columns.type_oids)
              UNION
              SELECT t.oid, t.xmin::text::bigint, t.typbasetype, t.typelem
              FROM made JOIN pg_type t ON t.oid IN (made.typbasetype, made.typelem)
              WHERE t.oid >= 16384
          )
          SELECT concat_ws('-', count(*), sum(version),
              sum((SELECT count(*) + sum(con.xmin::text::bigint)
                   FROM pg_constraint con WHERE con.contypid = made.oid)),
              sum((SELECT count(*) + sum(l.xmin::text::bigint)
                   FROM pg_enum l WHERE l.enumtypid = made.oid)))
          FROM made
      ) END AS figure
  ) types
  CROSS JOIN LATERAL (
      SELECT concat_ws('-', count(*), sum(i.xmin::text::bigint), sum(ic.xmin::text::bigint))
          AS figure
      FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid
  ) indexes
  CROSS JOIN LATERAL (
      SELECT concat_ws('-', count(*), sum(t.xmin::text::bigint)) AS figure
      FROM pg_trigger t WHERE t.tgrelid = c.oid
  ) triggers
  WHERE c.relname = wanted AND n.nspname = ANY (schemas)
    AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
END
$$
