-- Say why rejections stay open: their errors when they were last replayed.
UPDATE service.rejection r
SET replay_errors = one.errors,
    codes = ARRAY(SELECT DISTINCT e ->> 'code' FROM jsonb_array_elements(one.errors) e),
    columns = ARRAY(SELECT DISTINCT c FROM jsonb_array_elements(one.errors) e
                    CROSS JOIN LATERAL (
                        SELECT e ->> 'column' AS c
                        UNION
                        SELECT jsonb_array_elements_text(e -> 'columns') WHERE e ? 'columns') named
                    WHERE c IS NOT NULL)
FROM unnest(%(ids)s::bigint[], %(errors)s::jsonb[]) AS one (id, errors)
WHERE r.id = one.id
