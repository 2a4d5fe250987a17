-- Say why rejections stay open: their errors when they were last replayed.
UPDATE service.rejection r
SET replay_errors = one.errors, codes = one.codes, columns = one.columns,
    digest = decode(one.digest, 'hex')
FROM json_to_recordset(%(rejections)s::json) AS one (
    id bigint, errors jsonb, codes text[], columns text[], digest text)
WHERE r.id = one.id
