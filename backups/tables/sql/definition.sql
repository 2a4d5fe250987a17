-- Everything that is needed to make a table again, as one JSON document. Run with search_path set
-- to the table's schema alone: PostgreSQL then writes that schema's names without the schema, so
-- that the same statements make the table in another schema.
-- Parameter: the table's oid.
WITH RECURSIVE partition AS (
    SELECT c.oid, c.relname, c.relnamespace, i.inhparent, c.relkind, c.relpartbound, 1 AS depth
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = %(oid)s AND c.relispartition
    UNION ALL
    SELECT c.oid, c.relname, c.relnamespace, i.inhparent, c.relkind, c.relpartbound, depth + 1
    FROM partition p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
),
owned AS (
    SELECT d.objid AS sequence, d.refobjsubid AS attnum, d.deptype
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = %(oid)s AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
)
SELECT json_build_object(
    'schema', n.nspname,
    'table', c.relname,
    'comment', obj_description(c.oid, 'pg_class'),
    'owner', pg_get_userbyid(c.relowner),
    'options', coalesce(c.reloptions, '{}'),
    'unlogged', c.relpersistence = 'u',
    'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    'partitions', (
        SELECT coalesce(json_agg(json_build_object(
            'table', p.relname,
            'parent', parent.relname,
            'bound', pg_get_expr(p.relpartbound, p.oid),
            'partition_key', CASE WHEN p.relkind = 'p' THEN pg_get_partkeydef(p.oid) END
        ) ORDER BY p.depth, p.oid), '[]')
        FROM partition p JOIN pg_class parent ON parent.oid = p.inhparent
    ),
    'columns', (
        SELECT coalesce(json_agg(json_build_object(
            'name', a.attname,
            'type', format_type(a.atttypid, a.atttypmod),
            'not_null', a.attnotnull,
            'collation', CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
            'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'virtual', a.attgenerated = 'v',
            'identity', a.attidentity,
            'storage', CASE WHEN a.attstorage <> t.typstorage THEN
                CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                  WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END END,
            'comment', col_description(c.oid, a.attnum)
        ) ORDER BY a.attnum), '[]')
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ),
    'keys', (
        SELECT coalesce(json_agg(json_build_object(
            'name', con.conname,
            'kind', con.contype,
            'definition', pg_get_constraintdef(con.oid),
            'refers_to', CASE WHEN con.contype = 'f' THEN
                json_build_array(fn.nspname, fc.relname) END,
            'comment', obj_description(con.oid, 'pg_constraint')
        ) ORDER BY con.contype <> 'p', con.conname), '[]')
        FROM pg_constraint con
        LEFT JOIN pg_class fc ON fc.oid = con.confrelid
        LEFT JOIN pg_namespace fn ON fn.oid = fc.relnamespace
        WHERE con.conrelid = c.oid AND con.contype IN ('p', 'u', 'c', 'f', 'x')
          AND con.conparentid = 0
    ),
    'indexes', (
        SELECT coalesce(json_agg(json_build_object(
            'name', ic.relname,
            'definition', pg_get_indexdef(i.indexrelid, 0, true),
            'comment', obj_description(ic.oid, 'pg_class')
        ) ORDER BY ic.relname), '[]')
        FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisvalid
          AND NOT EXISTS (SELECT FROM pg_constraint con
                          WHERE con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x'))
    ),
    'sequences', (
        SELECT coalesce(json_agg(json_build_object(
            'name', sc.relname,
            'column', a.attname,
            'identity', owned.deptype = 'i',
            'type', format_type(s.seqtypid, NULL),
            'start', s.seqstart, 'increment', s.seqincrement,
            'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
            'last_value', pg_sequence_last_value(s.seqrelid),
            'privileges', (
                SELECT coalesce(json_agg(json_build_object(
                    'role', CASE WHEN e.grantee = 0 THEN NULL ELSE pg_get_userbyid(e.grantee) END,
                    'privilege', e.privilege_type, 'column', NULL, 'grantable', e.is_grantable)),
                    '[]')
                FROM aclexplode(sc.relacl) e)
        ) ORDER BY sc.relname), '[]')
        FROM owned
        JOIN pg_sequence s ON s.seqrelid = owned.sequence
        JOIN pg_class sc ON sc.oid = owned.sequence
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = owned.attnum
    ),
    'triggers', (
        SELECT coalesce(json_agg(json_build_object(
            'name', g.tgname,
            'definition', pg_get_triggerdef(g.oid, true),
            'enabled', g.tgenabled
        ) ORDER BY g.tgname), '[]')
        FROM pg_trigger g
        WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgparentid = 0
    ),
    'privileges', (
        SELECT coalesce(json_agg(json_build_object(
            'role', CASE WHEN grantee = 0 THEN NULL ELSE pg_get_userbyid(grantee) END,
            'privilege', privilege, 'column', "column", 'grantable', grantable
        ) ORDER BY "column" NULLS FIRST, grantee, privilege), '[]')
        FROM (
            SELECT e.grantee, e.privilege_type AS privilege, NULL::name AS "column",
                e.is_grantable AS grantable
            FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e
            UNION ALL
            SELECT e.grantee, e.privilege_type, a.attname, e.is_grantable
            FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) e
            WHERE a.attrelid = c.oid AND NOT a.attisdropped
        ) granted
    ),
    -- What a restore does not make again; it refuses to replace a table that has it.
    'beyond', (
        SELECT coalesce(json_agg(what), '[]') FROM (
            SELECT 'row security' AS what WHERE c.relrowsecurity
            UNION ALL
            SELECT 'the rule ' || r.rulename FROM pg_rewrite r WHERE r.ev_class = c.oid
            UNION ALL
            SELECT 'inheritance' WHERE EXISTS (
                SELECT FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid
                WHERE c.oid IN (i.inhrelid, i.inhparent) AND NOT child.relispartition)
            UNION ALL
            SELECT 'the statistics ' || s.stxname FROM pg_statistic_ext s WHERE s.stxrelid = c.oid
            UNION ALL
            SELECT 'the publication ' || p.pubname
            FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
            WHERE r.prrelid = c.oid
            UNION ALL
            SELECT 'a partition in another schema'
            WHERE EXISTS (SELECT FROM partition p WHERE p.relnamespace <> c.relnamespace)
        ) features
    )
)::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = %(oid)s
