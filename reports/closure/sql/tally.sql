-- What became of each group of requests. Everything it reads is in the index
-- service_requests_closure_idx where the group columns are.
SELECT {keys},
  count(*) AS total,
  count(*) FILTER (WHERE {is_closed}) AS closed,
  coalesce(sum({days}) FILTER (WHERE {is_closed}), 0) AS days,
  count(*) FILTER (WHERE {is_closed} AND {days} <= 1) AS within_a_day,
  count(*) FILTER (WHERE closed_date < created_date) AS before_created
FROM nyc311.service_requests
WHERE {selection}
GROUP BY {keys}
