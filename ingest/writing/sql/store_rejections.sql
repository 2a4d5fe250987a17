-- Store a batch's rejections with one statement, whatever their number; return how many are rows
-- that an open rejection has already. The rows come one after the other in `raws`, their digests in
-- `digests`. Many of them are rejected for the same reasons, which come once: turning a list of
-- errors into jsonb costs as much as storing it.
WITH given AS MATERIALIZED (
    SELECT one.*, reason.errors, reason.codes, reason.columns,
        substring(%(digests)b FROM (one.number::integer - 1) * %(digest_bytes)s + 1
                  FOR %(digest_bytes)s) AS digest
    FROM unnest(
        %(indexes)s::integer[], %(lines)s::integer[], %(starts)s::integer[], %(kept)s::integer[],
        %(sizes)s::integer[], %(reason_numbers)s::integer[]
    ) WITH ORDINALITY AS one (index, line, start, kept, size, reason_number, number)
    JOIN ROWS FROM (
        json_to_recordset(%(reasons)s::json) AS (errors jsonb, codes text[], columns text[])
    ) WITH ORDINALITY AS reason (errors, codes, columns, number)
      ON reason.number = one.reason_number
), known AS MATERIALIZED (
    -- By an array, so that each digest is looked up, however little the planner knows.
    SELECT r.id, r.digest FROM service.rejection r
    WHERE r.state = 'open' AND r.digest = ANY (ARRAY(SELECT given.digest FROM given))
    FOR UPDATE
), seen AS (
    UPDATE service.rejection r
    SET seen = r.seen + 1, last_seen = %(created_at)s, last_batch = %(batch)s,
        last_index = given.index
    FROM known JOIN given ON given.digest = known.digest
    WHERE r.id = known.id
    RETURNING given.index
), stored AS (
    INSERT INTO service.rejection
        (batch_id, created_at, table_name, format, index, line, raw, raw_bytes, errors, codes,
         columns, digest)
    SELECT %(batch)s, %(created_at)s, %(table)s, %(format)s, given.index, given.line,
        substring(%(raws)b FROM given.start FOR given.kept), given.size,
        given.errors, given.codes, given.columns, given.digest
    FROM given
    WHERE given.index NOT IN (SELECT seen.index FROM seen)
    ORDER BY given.index
)
SELECT count(DISTINCT index) FROM seen
