-- Every exposed table's schema, name, comment and PostgreSQL's guess of its rows (null before the
-- first ANALYZE), in the order people expect.
SELECT n.nspname, c.relname, obj_description(c.oid, 'pg_class'), nullif(c.reltuples, -1)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
