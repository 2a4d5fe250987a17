SELECT agency, complaint_type, count(*),
  count(*) FILTER (WHERE status = 'Closed' AND closed_date IS NOT NULL),
  sum(closed_date::date - created_date::date)
    FILTER (WHERE status = 'Closed' AND closed_date IS NOT NULL),
  count(*) FILTER (WHERE status = 'Closed' AND closed_date IS NOT NULL
    AND closed_date::date - created_date::date <= 1),
  count(*) FILTER (WHERE closed_date < created_date)
FROM nyc311.service_requests
WHERE created_date >= %(since)s
GROUP BY agency, complaint_type
