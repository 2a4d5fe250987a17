-- See ingest/migrations/0008_open_batch.sql.
SELECT table_oid, schema_name, fingerprint, is_claimed
FROM service.open_batch(
    %(locked_schema)s, %(locked_table)s, %(name)s, %(schemas)s::name[],
    %(key_prefix)s, %(key)s, %(request_hash)s, %(batch)s, %(now)s, %(expires_at)s)
