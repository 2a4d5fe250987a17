-- The tables of a dataset by their full names.
SELECT n.nspname || '.' || c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(dataset)s AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1
