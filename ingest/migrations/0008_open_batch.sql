-- How a batch's transaction begins: its table locked against changes, what the table's name means
-- now, and its idempotency key claimed, if it has one. One function takes one round trip, and its
-- plans are kept by the server's session, also where a pooler lets nobody prepare a statement.
CREATE FUNCTION service.open_batch(
    locked_schema name, locked_table name, wanted name, schemas name[],
    claimed_prefix text, claimed_key text, claimed_hash bytea,
    batch uuid, claimed_at timestamptz, expires timestamptz)
RETURNS TABLE (table_oid bigint, schema_name name, fingerprint text, is_claimed boolean)
LANGUAGE plpgsql AS $$
DECLARE
  is_free boolean := true;
BEGIN
  EXECUTE format('LOCK TABLE %I.%I IN ROW EXCLUSIVE MODE', locked_schema, locked_table);
  IF claimed_key IS NOT NULL THEN
    -- The advisory lock makes a concurrent request with the same key fail at once instead of
    -- waiting for this one; a key that has expired is claimed anew.
    INSERT INTO service.idempotency_key
        (key_prefix, key, request_hash, batch_id, created_at, expires_at)
    SELECT claimed_prefix, claimed_key, claimed_hash, batch, claimed_at, expires
    WHERE pg_try_advisory_xact_lock(
        hashtextextended(claimed_prefix || ' ' || claimed_key, 0))
    ON CONFLICT (key_prefix, key) DO UPDATE
        SET request_hash = excluded.request_hash, batch_id = excluded.batch_id,
            created_at = excluded.created_at, expires_at = excluded.expires_at
        WHERE idempotency_key.expires_at <= excluded.created_at;
    is_free := FOUND;
  END IF;
  RETURN QUERY
  SELECT v.table_oid, v.schema_name, v.fingerprint, is_free
  FROM service.table_versions(wanted, schemas) v;
END
$$
