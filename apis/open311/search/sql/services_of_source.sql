-- A source's services: one look into the index for each, however many incidents there are.
WITH RECURSIVE found AS (
  (SELECT service_id, service_name FROM {source} ORDER BY service_id LIMIT 1)
  UNION ALL
  SELECT next.service_id, next.service_name
  FROM found
  CROSS JOIN LATERAL (
    SELECT v.service_id, v.service_name FROM {source} v
    WHERE v.service_id > found.service_id ORDER BY v.service_id LIMIT 1
  ) next
)
SELECT service_id AS id, service_name AS name FROM found WHERE service_id IS NOT NULL
