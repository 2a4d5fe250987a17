-- Each group's closed requests by the days they took.
SELECT {keys}, {days} AS days, count(*) AS requests
FROM nyc311.service_requests
WHERE {selection}
GROUP BY {keys}, {days}
