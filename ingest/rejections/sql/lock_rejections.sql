-- Lock those of the rejections that are open and in nobody else's hands until the commit. A row that
-- was rejected several times stands for its place in the last batch.
SELECT r.id, coalesce(r.last_batch, r.batch_id), coalesce(r.last_index, r.index),
    r.format, r.raw, r.raw_bytes, b.fields, b.nulls
FROM service.rejection r JOIN service.batch b ON b.id = r.batch_id
WHERE r.id = ANY (%(ids)s) AND r.state = 'open'
ORDER BY r.id
FOR UPDATE OF r SKIP LOCKED
