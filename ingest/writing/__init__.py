"""A validated batch on its way to its receipt: the only code that writes rows to dataset tables.

In: a `BatchRequest` with a `Payload` (`batch.ingest_batch`). Out: a `Receipt`; rows, rejections and
idempotency key are stored in the same transaction. Imports catalog, payload and validation.
"""
