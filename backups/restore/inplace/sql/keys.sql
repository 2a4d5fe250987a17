-- Idempotency keys follow the receipts that were restored: a key whose receipt is gone is kept in
-- the undo schema, and comes back with it. Its request, sent again, is a new batch until then.
CREATE TABLE IF NOT EXISTS undo_service.idempotency_key (LIKE service.idempotency_key);

WITH found AS (
  DELETE FROM undo_service.idempotency_key k
  USING service.batch b WHERE b.id = k.batch_id
  RETURNING k.*
)
INSERT INTO service.idempotency_key SELECT * FROM found ON CONFLICT DO NOTHING;

WITH lost AS (
  DELETE FROM service.idempotency_key k
  WHERE NOT EXISTS (SELECT FROM service.batch b WHERE b.id = k.batch_id)
  RETURNING k.*
)
INSERT INTO undo_service.idempotency_key SELECT * FROM lost;
