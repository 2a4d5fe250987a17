-- Claim an idempotency key for a batch; no row comes back where the key is taken or in use.
-- The advisory lock makes a concurrent request with the same key fail at once instead of waiting
-- for this one; a key that has expired is claimed anew.
INSERT INTO service.idempotency_key
    (key_prefix, key, request_hash, batch_id, created_at, expires_at)
SELECT %(key_prefix)s, %(key)s, %(request_hash)s, %(batch)s, %(now)s, %(expires_at)s
WHERE pg_try_advisory_xact_lock(hashtextextended(%(key_prefix)s || ' ' || %(key)s, 0))
ON CONFLICT (key_prefix, key) DO UPDATE
    SET request_hash = excluded.request_hash, batch_id = excluded.batch_id,
        created_at = excluded.created_at, expires_at = excluded.expires_at
    WHERE idempotency_key.expires_at <= excluded.created_at
RETURNING true
