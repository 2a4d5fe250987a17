-- Every exposed table with its comment, about how many rows it has, and its last batch. Nothing is
-- read from the table itself: rows are what PostgreSQL's statistics count as they come and go, or
-- what the last ANALYZE found where a crash has lost those.
SELECT n.nspname || '.' || c.relname, obj_description(c.oid, 'pg_class'), parts.rows, parts.oids,
    last.id, last.created_at
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT sum(coalesce(nullif(pg_stat_get_live_tuples(p.oid), 0), nullif(p.reltuples, -1)))::bigint
            AS rows,
        array_agg(p.oid) AS oids
    FROM pg_class p
    WHERE p.oid = c.oid AND c.relkind = 'r'
        OR c.relkind = 'p' AND p.oid IN (
            SELECT tree.relid FROM pg_partition_tree(c.oid) AS tree WHERE tree.isleaf)
) AS parts
LEFT JOIN LATERAL (
    SELECT b.id, b.created_at FROM service.batch b
    WHERE b.table_name = n.nspname || '.' || c.relname AND NOT b.dry_run
    ORDER BY b.id DESC LIMIT 1
) AS last ON true
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
