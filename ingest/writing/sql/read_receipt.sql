-- A batch's receipt, with its rejections in the order of the batch.
SELECT b.id, b.table_name, b.received, b.inserted, b.updated, b.ignored, b.rejected,
    b.duration_ms, b.dry_run,
    coalesce(
        b.foreseen,
        (SELECT jsonb_agg(jsonb_build_object('index', r.index, 'line', r.line, 'errors', r.errors)
                          ORDER BY r.index)
         FROM service.rejection r WHERE r.batch_id = b.id),
        '[]')::text,
    coalesce(b.additions, '{}')::text
FROM service.batch b
WHERE b.id = %(batch)s
