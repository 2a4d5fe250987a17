-- What became of each group of requests, in the order of a `Tally`. Everything it reads is in the
-- index service_requests_closure_idx where the group columns are. What is counted has a closed_date:
-- without one, a count of it, a sum of days and a comparison leave the request out.
SELECT {keys},
  count(*) AS total,
  count(closed_date) FILTER (WHERE status = 'Closed') AS closed,
  coalesce(sum({days}) FILTER (WHERE status = 'Closed'), 0) AS days,
  count(*) FILTER (WHERE {within_a_day} AND status = 'Closed') AS within_a_day,
  count(*) FILTER (WHERE closed_date < created_date) AS before_created
FROM nyc311.service_requests
WHERE {selection}
GROUP BY {keys}
