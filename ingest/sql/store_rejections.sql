-- Store a batch's rejections with one statement, whatever their number.
INSERT INTO service.rejection
    (batch_id, created_at, table_name, format, index, line, raw, raw_bytes, errors, codes, columns)
SELECT %(batch)s, %(created_at)s, %(table)s, %(format)s, one.index, one.line,
    decode(one.raw, 'base64'), one.raw_bytes, one.errors, one.codes, one.columns
FROM json_to_recordset(%(rejections)s::json) AS one (
    index integer, line integer, raw text, raw_bytes integer, errors jsonb, codes text[],
    columns text[])
