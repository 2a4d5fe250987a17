-- Lock and return the open rejections that have one of these digests. An array, so that each is
-- looked up in the index, however little the planner knows; in order, so that two batches with the
-- same rows wait for each other.
SELECT id, digest FROM service.rejection
WHERE state = 'open' AND digest = ANY (%(digests)s::uuid[])
ORDER BY digest, id
FOR UPDATE
