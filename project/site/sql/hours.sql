-- Rows stored and rejected in each hour since a moment: by receipts, not by tables. What a replay
-- rejects was rejected before.
SELECT date_trunc('hour', b.created_at, 'UTC'),
    sum(b.inserted + b.updated)::bigint,
    coalesce(sum(b.rejected) FILTER (WHERE b.format <> 'replay'), 0)::bigint
FROM service.batch b
WHERE b.id >= %(lowest)s AND b.created_at >= %(since)s AND NOT b.dry_run
GROUP BY 1
