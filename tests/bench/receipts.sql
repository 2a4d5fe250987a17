-- Fill the receipts with this many batches of a thousand rows, each with its key. Parameter: count.
WITH stored AS (
    INSERT INTO service.batch
        (id, created_at, table_name, key_prefix, format, on_conflict, atomic, dry_run,
         received, inserted, updated, ignored, rejected, duration_ms)
    SELECT gen_random_uuid(), now() - n * interval '1 second', 'bench.narrow_fk', 'filled', 'json',
        'reject', false, false, 1000, 1000, 0, 0, 0, 12
    FROM generate_series(1, %s) n
    RETURNING id, created_at
)
INSERT INTO service.idempotency_key
    (key_prefix, key, request_hash, batch_id, created_at, expires_at)
SELECT 'filled', id::text, sha256(id::text::bytea), id, created_at, now() + interval '1 day'
FROM stored
