SELECT batch_id, request_hash FROM service.idempotency_key
WHERE key_prefix = %(key_prefix)s AND key = %(key)s AND expires_at > now()
