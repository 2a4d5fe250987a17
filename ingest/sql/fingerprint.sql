-- What a request must know before it trusts what this process remembers about a table: which
-- tables the name means, and a figure that changes with every change of their definition.
-- Every DDL statement writes catalog rows with a new, higher xmin, so the number of the rows and
-- the sum of their xmin tell one definition from another; vacuum and analyze leave xmin alone.
-- Parameters: name, schemas.
SELECT c.oid::bigint, n.nspname,
    concat_ws('.', c.oid, c.xmin, n.xmin, columns.figure, defaults.figure, constraints.figure,
              types.figure, indexes.figure)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT count(*) || '-' || sum(a.xmin::text::bigint) AS figure, array_agg(a.atttypid) AS type_oids
    FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
) columns
CROSS JOIN LATERAL (
    SELECT count(*) || '-' || sum(d.xmin::text::bigint) AS figure
    FROM pg_attrdef d WHERE d.adrelid = c.oid
) defaults
CROSS JOIN LATERAL (
    SELECT count(*) || '-' || sum(con.xmin::text::bigint) AS figure
    FROM pg_constraint con WHERE con.conrelid = c.oid
) constraints
CROSS JOIN LATERAL (
    -- Enum labels and domain rules, of the column's own type and of an array's elements.
    SELECT (SELECT count(*) || '-' || sum(l.xmin::text::bigint)
            FROM pg_type t JOIN pg_enum l ON l.enumtypid IN (t.oid, t.typelem)
            WHERE t.oid = ANY (columns.type_oids) AND t.oid >= 16384)
        || '/' ||
           (SELECT count(*) || '-' || sum(t.xmin::text::bigint) || '-' || sum(con.xmin::text::bigint)
            FROM pg_type t LEFT JOIN pg_constraint con ON con.contypid = t.oid
            WHERE t.oid = ANY (columns.type_oids) AND t.oid >= 16384) AS figure
) types
CROSS JOIN LATERAL (
    SELECT count(*) || '-' || sum(i.xmin::text::bigint) AS figure
    FROM pg_index i WHERE i.indrelid = c.oid
) indexes
WHERE c.relname = %(name)s AND n.nspname = ANY (%(schemas)s)
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
