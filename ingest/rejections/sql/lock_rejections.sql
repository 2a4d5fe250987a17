-- Lock those of the rejections that are open and in nobody else's hands until the commit.
SELECT r.id, r.batch_id, r.index, r.format, r.raw, r.raw_bytes, b.fields, b.nulls
FROM service.rejection r JOIN service.batch b ON b.id = r.batch_id
WHERE r.id = ANY (%(ids)s) AND r.state = 'open'
ORDER BY r.id
FOR UPDATE OF r SKIP LOCKED
