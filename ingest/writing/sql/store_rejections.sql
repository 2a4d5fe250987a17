-- Store a batch's new rejections with one statement, whatever their number. The rows come one after
-- the other in `raws`. Many of them are rejected for the same reasons, which come once: turning a
-- list of errors into jsonb costs as much as storing it.
INSERT INTO service.rejection
    (batch_id, created_at, table_name, format, index, line, raw, raw_bytes, errors, codes, columns,
     digest)
SELECT %(batch)s, %(created_at)s, %(table)s, %(format)s, one.index, one.line,
    substring(%(raws)b FROM one.start FOR one.kept), one.size,
    reason.errors, reason.codes, reason.columns, one.digest
FROM unnest(
    %(indexes)s::integer[], %(lines)s::integer[], %(starts)s::integer[], %(kept)s::integer[],
    %(sizes)s::integer[], %(reason_numbers)s::integer[], %(digests)s::uuid[]
) AS one (index, line, start, kept, size, reason_number, digest)
JOIN ROWS FROM (
    json_to_recordset(%(reasons)s::json) AS (errors jsonb, codes text[], columns text[])
) WITH ORDINALITY AS reason (errors, codes, columns, number)
  ON reason.number = one.reason_number
ORDER BY one.index
