-- A text that changes when rows of the source tables may have changed. It is read before the
-- sources are: whatever it counts is then visible to who reads them.
-- * batches: how many there are of the table and the last one; exact for all that came by the API;
-- * PostgreSQL's counters of rows written, for changes by hand; a session reports its own up to
--   ten seconds after it wrote;
-- * the table's and its partitions' files, for TRUNCATE and restored tables.
-- Parameter: sources.
SELECT string_agg(
    concat_ws(' ', source.name, source.oid::oid, batches.figure, counters.figure), '; '
    ORDER BY source.name)
FROM (
    SELECT name, to_regclass(name) AS oid FROM unnest(%(sources)s::text[]) AS named (name)
) source
CROSS JOIN LATERAL (
    SELECT count(*) || '-' || coalesce(
        (SELECT id::text FROM service.batch last
         WHERE last.table_name = source.name ORDER BY last.id DESC LIMIT 1), '') AS figure
    FROM service.batch b WHERE b.table_name = source.name AND NOT b.dry_run
) batches
CROSS JOIN LATERAL (
    SELECT concat_ws('-', sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del),
                     string_agg(pg_relation_filenode(part.oid)::text, ',' ORDER BY part.oid))
        AS figure
    FROM (
        SELECT source.oid::oid AS oid
        UNION
        SELECT relid::oid FROM pg_partition_tree(source.oid)
    ) part
    LEFT JOIN pg_stat_all_tables stat ON stat.relid = part.oid
) counters
