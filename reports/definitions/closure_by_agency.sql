-- title: Closure by agency
-- description: >-
--   How many of the requests of the last weeks were closed, and the mean number of calendar days
--   that took, for each agency. The weeks end with the newest request.
-- sources: [nyc311.service_requests]
-- columns:
--   agency: {caption: Agency, description: Acronym of the agency}
--   total: {caption: Requests, description: Requests made in the window}
--   closed: {caption: Closed, description: Requests with the status Closed and a closing date}
--   perc_closed: {caption: Share closed, description: Closed requests divided by all}
--   days_to_closure:
--     caption: Mean days to closure
--     description: Calendar days from created to closed, the mean over the closed requests
--   number_of_records: {caption: Requests in the mean, description: The same as closed}
--   closed_before_created:
--     caption: Closed before created
--     description: Requests whose closing date lies before their creation, whatever their status
--   created_after_timestamp: {caption: Created after, description: Begin of the window}
--   past_number_of_weeks: {caption: Weeks, description: Length of the window, role: dimension}
-- order: [agency]
-- parameters:
--   weeks: {value: 12, description: Length of the window}
-- schedule: "30 7 * * *"
-- snapshot: daily
-- chart:
--   kind: bars
--   category: agency
--   values: [days_to_closure]

WITH period AS (
  SELECT max(created_date) - make_interval(weeks => %(weeks)s::integer) AS start
  FROM nyc311.service_requests
)
SELECT agency, count(*) AS total,
    count(*) FILTER (WHERE is_closed) AS closed,
    count(*) FILTER (WHERE is_closed)::double precision / count(*) AS perc_closed,
    avg(days) FILTER (WHERE is_closed)::double precision AS days_to_closure,
    count(*) FILTER (WHERE is_closed) AS number_of_records,
    count(*) FILTER (WHERE closed_date < created_date) AS closed_before_created,
    min(start) AS created_after_timestamp,
    %(weeks)s::integer AS past_number_of_weeks
FROM period
JOIN nyc311.service_requests ON created_date >= start
CROSS JOIN LATERAL (
  SELECT status = 'Closed' AND closed_date IS NOT NULL AS is_closed,
      closed_date::date - created_date::date AS days
) closure
GROUP BY agency
