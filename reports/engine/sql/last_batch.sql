-- The last batch of any of the source tables that this snapshot sees. Parameter: sources.
SELECT last.id
FROM unnest(%(sources)s::text[]) AS source (name)
CROSS JOIN LATERAL (
    SELECT id FROM service.batch
    WHERE table_name = source.name AND NOT dry_run
    ORDER BY id DESC LIMIT 1
) last
ORDER BY last.id DESC
LIMIT 1
