-- Lock those of the rejections that are open and in nobody else's hands until the commit.
SELECT id, format, raw, raw_bytes FROM service.rejection
WHERE id = ANY (%(ids)s) AND state = 'open'
ORDER BY id
FOR UPDATE SKIP LOCKED
