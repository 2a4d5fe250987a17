-- The oids of the schemas' tables, all or those with some names, in the order people expect.
SELECT c.oid::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND (%(names)s::text[] IS NULL OR c.relname = ANY (%(names)s::text[]))
ORDER BY n.nspname, c.relname
