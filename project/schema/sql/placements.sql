-- Where Citus (12 or later) has put tables: schema, name, kind, distribution column.
-- Not from its view citus_tables, which asks all nodes for sizes, over other sessions than this one.
SELECT n.nspname, c.relname,
    CASE WHEN EXISTS (SELECT FROM pg_dist_schema s WHERE s.colocationid = p.colocationid) THEN 'schema'
         WHEN p.partkey IS NOT NULL THEN 'distributed'
         WHEN p.repmodel = 't' THEN 'reference'
         ELSE 'local' END,
    CASE WHEN p.partkey IS NOT NULL THEN column_to_column_name(p.logicalrelid, p.partkey) END
FROM pg_dist_partition p
JOIN pg_class c ON c.oid = p.logicalrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
