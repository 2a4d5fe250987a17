-- Count rejections once more: a batch brings their rows again.
UPDATE service.rejection AS r
SET seen = r.seen + 1, last_seen = %(created_at)s, last_batch = %(batch)s, last_index = one.index
FROM unnest(%(ids)s::bigint[], %(indexes)s::integer[]) AS one (id, index)
WHERE r.id = one.id
