-- Store a batch's rejections with one statement, whatever their number.
INSERT INTO service.rejection
    (batch_id, created_at, table_name, index, line, format, raw, raw_bytes, errors, codes, columns)
SELECT %(batch)s, %(created_at)s, %(table)s, one.index, one.line, %(format)s, one.raw,
    one.raw_bytes, one.errors,
    ARRAY(SELECT DISTINCT e ->> 'code' FROM jsonb_array_elements(one.errors) e),
    ARRAY(SELECT DISTINCT c FROM jsonb_array_elements(one.errors) e
          CROSS JOIN LATERAL (
              SELECT e ->> 'column' AS c
              UNION
              SELECT jsonb_array_elements_text(e -> 'columns') WHERE e ? 'columns') named
          WHERE c IS NOT NULL)
FROM unnest(%(indexes)s::int[], %(lines)s::int[], %(raws)s::bytea[], %(sizes)s::int[],
            %(errors)s::jsonb[]) AS one (index, line, raw, raw_bytes, errors)
