-- Where Citus has put tables: schema, name, kind (distributed, reference, schema, local), column.
SELECT n.nspname, c.relname, t.citus_table_type, t.distribution_column
FROM citus_tables t
JOIN pg_class c ON c.oid = t.table_name
JOIN pg_namespace n ON n.oid = c.relnamespace
