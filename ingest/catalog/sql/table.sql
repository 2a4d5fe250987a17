-- Everything the service needs to know about one table, as one JSON document, and the figure of
-- the definition that this describes (see ingest/migrations/0005_table_versions.sql).
-- Parameter: the table's oid.
WITH RECURSIVE chain AS (
    -- A column's type and, where it is a domain, the types below it.
    SELECT a.attnum, a.atttypid AS type_oid, a.atttypmod AS type_mod, 0 AS depth
    FROM pg_attribute a
    WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT chain.attnum, t.typbasetype, t.typtypmod, chain.depth + 1
    FROM chain JOIN pg_type t ON t.oid = chain.type_oid
    WHERE t.typtype = 'd'
),
base AS (
    SELECT DISTINCT ON (attnum) attnum, type_oid, type_mod, depth
    FROM chain ORDER BY attnum, depth DESC
),
domain_check AS (
    SELECT chain.attnum, con.conname, pg_get_expr(con.conbin, 0) AS expression
    FROM chain JOIN pg_constraint con ON con.contypid = chain.type_oid AND con.contype = 'c'
),
domain_not_null AS (
    SELECT chain.attnum FROM chain JOIN pg_type t ON t.oid = chain.type_oid
    WHERE t.typtype = 'd' AND t.typnotnull GROUP BY chain.attnum
)
SELECT json_build_object(
    'oid', c.oid::bigint,
    'schema', n.nspname,
    'name', c.relname,
    'comment', obj_description(c.oid, 'pg_class'),
    'partitioned', c.relkind = 'p',
    -- Whether anything looks at a new row but constraints that are always checked and the triggers
    -- of the foreign keys listed here.
    'watched', c.relkind <> 'r' OR c.relrowsecurity OR c.relhasrules
        OR EXISTS (SELECT FROM pg_trigger t LEFT JOIN pg_constraint con ON con.oid = t.tgconstraint
                   WHERE t.tgrelid = c.oid AND (NOT t.tgisinternal OR con.contype <> 'f'))
        OR EXISTS (SELECT FROM pg_constraint con
                   WHERE con.conrelid = c.oid AND con.contype = 'f'
                     AND coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false)),
    'clustered', EXISTS (SELECT FROM pg_extension WHERE extname = 'citus'),
    -- Rules for INSERT or UPDATE, with which PostgreSQL has no ON CONFLICT. (Their ev_type.)
    'ruled', EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type IN ('2', '3')),
    -- COPY knows neither policies nor rules, and returns no virtual columns.
    'copyable', NOT c.relrowsecurity AND NOT c.relhasrules
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated = 'v'),
    'columns', (
        SELECT coalesce(json_agg(json_build_object(
            'name', a.attname,
            'type', format_type(a.atttypid, a.atttypmod),
            'base_type', format_type(base.type_oid, base.type_mod),
            'base', t.typname,
            'kind', CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'array'
                         WHEN t.typtype = 'e' THEN 'enum'
                         WHEN t.typtype = 'c' THEN 'composite'
                         WHEN t.typcategory = 'S' AND t.typtype = 'b' THEN 'text'
                         ELSE 'base' END,
            'element', CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN e.typname END,
            'element_kind', CASE WHEN t.typcategory = 'A' AND e.typtype = 'e' THEN 'enum'
                                 WHEN t.typcategory = 'A' AND e.typtype = 'c' THEN 'composite'
                                 WHEN t.typcategory = 'A' AND e.typtype = 'd' THEN 'domain'
                                 WHEN t.typcategory = 'A' AND e.typcategory = 'S' THEN 'text'
                                 WHEN t.typcategory = 'A' THEN 'base' END,
            -- What a row type or a domain, also as an array's element, is made of.
            'parts', (SELECT json_agg(coalesce(below.typname, part.typname) ORDER BY p.attnum)
                      FROM (SELECT attnum, atttypid FROM pg_attribute
                            WHERE attrelid = coalesce(e.typrelid, t.typrelid) AND attnum > 0
                              AND NOT attisdropped
                            UNION ALL SELECT 1, e.typbasetype WHERE e.typtype = 'd') p
                      JOIN pg_type part ON part.oid = p.atttypid
                      LEFT JOIN pg_type below ON below.oid = part.typbasetype),
            'type_mod', base.type_mod,
            'domain', base.depth > 0,
            'not_null', a.attnotnull OR domain_not_null.attnum IS NOT NULL,
            'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'virtual', a.attgenerated = 'v',
            'identity', a.attidentity,
            'collation', (SELECT format('%%I.%%I', cn.nspname, co.collname)
                          FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                          WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation),
            'domain_default', dt.typdefault,
            'labels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l
                       WHERE l.enumtypid IN (t.oid, e.oid)),
            'domain_checks', (SELECT json_agg(json_build_object(
                                  'name', k.conname, 'expression', k.expression))
                              FROM domain_check k WHERE k.attnum = a.attnum),
            'comment', col_description(c.oid, a.attnum)
        ) ORDER BY a.attnum), '[]')
        FROM pg_attribute a
        JOIN base USING (attnum)
        JOIN pg_type t ON t.oid = base.type_oid
        JOIN pg_type dt ON dt.oid = a.atttypid
        LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN domain_not_null USING (attnum)
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ),
    'unique_keys', (
        SELECT coalesce(json_agg(json_build_object(
            'name', ic.relname,
            'primary', i.indisprimary,
            'constraint', con.oid IS NOT NULL,
            'deferrable', NOT i.indimmediate,
            'nulls_distinct', NOT i.indnullsnotdistinct,
            'keys', (SELECT json_agg(pg_get_indexdef(i.indexrelid, k, true) ORDER BY k)
                     FROM generate_series(1, i.indnkeyatts) k),
            'plain', 0 <> ALL (i.indkey::int2[]),
            'predicate', pg_get_expr(i.indpred, i.indrelid),
            'columns', (SELECT json_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum), a.attnum)
                        FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum > 0
                          AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                               OR EXISTS (SELECT FROM pg_depend dep
                                          WHERE dep.classid = 'pg_class'::regclass
                                            AND dep.objid = i.indexrelid
                                            AND dep.refclassid = 'pg_class'::regclass
                                            AND dep.refobjid = c.oid
                                            AND dep.refobjsubid = a.attnum
                                            AND 0 = ANY (i.indkey::int2[])))),
            'reads', (SELECT json_agg(a.attname ORDER BY a.attnum)
                      FROM pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0
                        AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                             OR EXISTS (SELECT FROM pg_depend dep
                                        WHERE dep.classid = 'pg_class'::regclass
                                          AND dep.objid = i.indexrelid
                                          AND dep.refclassid = 'pg_class'::regclass
                                          AND dep.refobjid = c.oid
                                          AND dep.refobjsubid = a.attnum)))
        ) ORDER BY NOT i.indisprimary, ic.relname), '[]')
        FROM pg_index i
        JOIN pg_class ic ON ic.oid = i.indexrelid
        LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u')
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indislive AND NOT i.indisexclusion
    ),
    'foreign_keys', (
        SELECT coalesce(json_agg(json_build_object(
            'name', con.conname,
            'match_full', con.confmatchtype = 'f',
            'table_oid', fc.oid::bigint,
            'schema', fn.nspname,
            'table', fc.relname,
            'partitioned', fc.relkind = 'p',
            'guarded', fc.relrowsecurity,
            'columns', (SELECT json_agg(a.attname ORDER BY u.place)
                        FROM unnest(con.conkey) WITH ORDINALITY u(attnum, place)
                        JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.attnum),
            'referenced', (SELECT json_agg(a.attname ORDER BY u.place)
                           FROM unnest(con.confkey) WITH ORDINALITY u(attnum, place)
                           JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.attnum),
            'value_type', (SELECT format_type(a.atttypid, NULL)
                           FROM pg_attribute a JOIN pg_attribute r USING (atttypid, attcollation)
                           WHERE array_length(con.conkey, 1) = 1
                             AND a.attrelid = con.conrelid AND a.attnum = con.conkey[1]
                             AND r.attrelid = con.confrelid AND r.attnum = con.confkey[1]
                             AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype,
                                 'text'::regtype, 'varchar'::regtype, 'uuid'::regtype))
        ) ORDER BY con.conname), '[]')
        FROM pg_constraint con
        JOIN pg_class fc ON fc.oid = con.confrelid
        JOIN pg_namespace fn ON fn.oid = fc.relnamespace
        WHERE con.conrelid = c.oid AND con.contype = 'f'
          AND NOT EXISTS (SELECT FROM pg_constraint up
                          WHERE up.oid = con.conparentid AND up.conrelid = con.conrelid)
          AND coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true)
          -- A reference in time is not a matter of equal values.
          AND NOT coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false)
    ),
    'checks', (
        SELECT coalesce(json_agg(json_build_object(
            'name', con.conname,
            'expression', pg_get_expr(con.conbin, con.conrelid),
            'columns', (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
                        FROM pg_attribute a
                        WHERE a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey))
        ) ORDER BY con.conname), '[]')
        FROM pg_constraint con
        WHERE con.conrelid = c.oid AND con.contype = 'c'
          AND coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true)
    ),
    'exclusions', (
        SELECT coalesce(json_agg(json_build_object(
            'name', con.conname,
            'columns', (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
                        FROM pg_attribute a
                        WHERE a.attrelid = con.conrelid AND a.attnum = ANY (con.conkey))
        ) ORDER BY con.conname), '[]')
        FROM pg_constraint con
        WHERE con.conrelid = c.oid AND con.contype = 'x'
    )
)::text,
(SELECT fingerprint FROM service.table_versions(c.relname, ARRAY[n.nspname]))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = %(oid)s
