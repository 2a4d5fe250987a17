-- What a change in place has to know of a table, beside its definition, as one JSON document.
-- Parameters: the table's oid; the role that ingest writes with.
WITH RECURSIVE leaf AS (
    SELECT %(oid)s::oid AS oid
    UNION ALL
    SELECT i.inhrelid FROM leaf JOIN pg_inherits i ON i.inhparent = leaf.oid
    JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
)
SELECT json_build_object(
    -- Unique and exclusion indexes; no columns where one has expressions or a predicate.
    'indexes', (
        SELECT coalesce(json_agg(json_build_object(
            'name', ic.relname,
            'columns', CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN ARRAY(
                SELECT a.attname FROM unnest(i.indkey) WITH ORDINALITY AS u(attnum, position)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                WHERE u.position <= i.indnkeyatts ORDER BY u.position) ELSE '{}' END,
            'can_pair', i.indisunique AND i.indimmediate AND i.indexprs IS NULL
                AND i.indpred IS NULL AND NOT EXISTS (
                    SELECT FROM unnest(i.indkey) AS u(attnum)
                    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                    WHERE NOT a.attnotnull OR a.attgenerated <> ''),
            'is_deferrable', NOT i.indimmediate,
            'operators', ARRAY(
                SELECT o::regoperator::text
                FROM pg_constraint con CROSS JOIN unnest(con.conexclop) WITH ORDINALITY AS u(o, n)
                WHERE con.conindid = i.indexrelid AND con.conrelid = i.indrelid ORDER BY u.n)
        ) ORDER BY i.indisprimary DESC, i.indnkeyatts, ic.relname), '[]')
        FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
        WHERE i.indrelid = %(oid)s AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
    ),
    'checks', (
        SELECT coalesce(json_agg(json_build_object(
            'name', con.conname,
            'definition', pg_get_constraintdef(con.oid),
            'expression', pg_get_expr(con.conbin, con.conrelid),
            'columns', ARRAY(
                SELECT a.attname FROM pg_attribute a
                WHERE a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey))
        ) ORDER BY con.conname), '[]')
        FROM pg_constraint con
        WHERE con.conrelid = %(oid)s AND con.contype = 'c'
          AND coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true)
    ),
    -- Foreign keys from and to the table; those of a partition alone are no part of the table's.
    'foreign_keys', (
        SELECT coalesce(json_agg(json_build_object(
            'name', con.conname,
            'is_full', con.confmatchtype = 'f',
            'is_valid', con.convalidated,
            'changes_rows', con.confdeltype NOT IN ('a', 'r') OR con.confupdtype NOT IN ('a', 'r'),
            'is_own', con.conrelid = %(oid)s,
            'leads_here', con.confrelid = %(oid)s,
            'referencing', json_build_array(n.nspname, c.relname),
            'referencing_columns', ARRAY(
                SELECT a.attname FROM unnest(con.conkey) WITH ORDINALITY AS u(attnum, position)
                JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum
                ORDER BY u.position),
            'referenced', json_build_array(fn.nspname, fc.relname),
            'referenced_columns', ARRAY(
                SELECT a.attname FROM unnest(con.confkey) WITH ORDINALITY AS u(attnum, position)
                JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.attnum
                ORDER BY u.position)
        ) ORDER BY n.nspname, c.relname, con.conname), '[]')
        FROM pg_constraint con
        JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class fc ON fc.oid = con.confrelid JOIN pg_namespace fn ON fn.oid = fc.relnamespace
        WHERE con.contype = 'f' AND con.conparentid = 0
          AND coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true)
          AND (con.conrelid IN (SELECT oid FROM leaf) OR con.confrelid IN (SELECT oid FROM leaf))
    ),
    -- Enabled triggers of people: those that fire whatever session_replication_role says, and all.
    'constant_triggers', (
        SELECT coalesce(json_agg(g.tgname ORDER BY g.tgname), '[]') FROM pg_trigger g
        WHERE g.tgrelid IN (SELECT oid FROM leaf) AND NOT g.tgisinternal
          AND g.tgenabled IN ('A', 'R')),
    'triggers', (
        SELECT coalesce(json_agg(g.tgname ORDER BY g.tgname), '[]') FROM pg_trigger g
        WHERE g.tgrelid IN (SELECT oid FROM leaf) AND NOT g.tgisinternal AND g.tgenabled <> 'D'),
    -- Whether ingest's role can write every row; its policies would hide some from it.
    'is_writable', NOT t.relrowsecurity AND EXISTS (
        SELECT FROM pg_roles r WHERE r.rolname = %(role)s
          AND has_table_privilege(r.oid, t.oid, 'SELECT')
          AND has_table_privilege(r.oid, t.oid, 'INSERT')
          AND has_table_privilege(r.oid, t.oid, 'UPDATE')
          AND has_table_privilege(r.oid, t.oid, 'DELETE'))
)::text
FROM pg_class t
WHERE t.oid = %(oid)s
