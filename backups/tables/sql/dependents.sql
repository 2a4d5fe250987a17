-- What depends on a table and has to refer to another one that replaces it: as
-- (kind, schema, name, table, detail), in an order in which it can be made again.
-- Run with search_path set to the table's schema. Parameter: the table's oid.
WITH RECURSIVE view AS (
    SELECT DISTINCT r.ev_class AS oid, 1 AS depth
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = %(oid)s AND r.ev_class <> %(oid)s
    UNION
    SELECT DISTINCT r.ev_class, view.depth + 1
    FROM view
    JOIN pg_depend d ON d.refobjid = view.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    WHERE r.ev_class <> view.oid AND view.depth < 50
),
deepest AS (SELECT oid, max(depth) AS depth FROM view GROUP BY oid)
SELECT kind, schema, name, table_name, detail
FROM (
    SELECT 1 AS rank, deepest.depth AS place,
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule' END AS kind,
        n.nspname AS schema, c.relname AS name, NULL::name AS table_name,
        json_build_object('definition', pg_get_viewdef(c.oid, true),
                          'options', coalesce(c.reloptions, '{}'))::text AS detail
    FROM deepest JOIN pg_class c ON c.oid = deepest.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION ALL
    SELECT 2, 0, 'foreign key', n.nspname, con.conname, c.relname,
        json_build_object('definition', pg_get_constraintdef(con.oid))::text
    FROM pg_constraint con
    JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE con.confrelid = %(oid)s AND con.contype = 'f' AND con.conparentid = 0
      AND con.conrelid <> %(oid)s AND n.nspname NOT LIKE 'undo\_%%'
    UNION ALL
    SELECT 3, 0, 'function', n.nspname, p.proname, NULL, '{}'
    FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = %(oid)s
    UNION ALL
    SELECT 3, 0, 'function', n.nspname, p.proname, NULL, '{}'
    FROM pg_type t
    JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)
    JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE t.typrelid = %(oid)s
) found
ORDER BY rank, place, schema, name
