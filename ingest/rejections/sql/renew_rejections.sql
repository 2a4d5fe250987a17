-- Say why rejections stay open: their errors when they were last replayed.
UPDATE service.rejection r
SET replay_errors = one.errors, codes = one.codes, columns = one.columns,
    digest = one.digest
FROM json_to_recordset(%(rejections)s::json) AS one (
    id bigint, errors jsonb, codes text[], columns text[], digest uuid)
WHERE r.id = one.id
