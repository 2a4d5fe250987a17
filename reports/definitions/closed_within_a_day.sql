-- title: Closed within a day
-- description: >-
--   Which share of the closed requests of the last weeks was closed after one calendar day at most,
--   and which share that is of all requests, for each agency and type of complaint. The weeks end
--   with the newest request.
-- sources: [nyc311.service_requests]
-- columns:
--   agency: {caption: Agency, description: Acronym of the agency}
--   complaint_type: {caption: Complaint type, description: What the requests are about}
--   total: {caption: Requests, description: Requests made in the window}
--   closed: {caption: Closed, description: Requests with the status Closed and a closing date}
--   perc_closed: {caption: Share closed, description: Closed requests divided by all}
--   number_within_a_day:
--     caption: Closed within a day
--     description: Requests closed after one calendar day at most
--   closed_within_a_day:
--     caption: Share within a day
--     description: Requests closed after one calendar day at most, divided by the closed ones
--   overall_closed_within_a_day:
--     caption: Share within a day, of all
--     description: The share within a day times the share closed
--   created_after_timestamp: {caption: Created after, description: Begin of the window}
--   past_number_of_weeks: {caption: Weeks, description: Length of the window, role: dimension}
-- order: [agency, complaint_type]
-- parameters:
--   weeks: {value: 12, description: Length of the window}
-- schedule: "30 7 * * *"
-- snapshot: daily
-- chart:
--   kind: grouped_bars
--   category: complaint_type
--   values: [closed, number_within_a_day]

WITH period AS (
  SELECT max(created_date) - make_interval(weeks => %(weeks)s::integer) AS start
  FROM nyc311.service_requests
),
counted AS (
  SELECT agency, complaint_type, count(*) AS total,
      count(*) FILTER (WHERE is_closed) AS closed,
      count(*) FILTER (WHERE is_closed AND days <= 1) AS within_a_day,
      min(start) AS start
  FROM period
  JOIN nyc311.service_requests ON created_date >= start
  CROSS JOIN LATERAL (
    SELECT status = 'Closed' AND closed_date IS NOT NULL AS is_closed,
        closed_date::date - created_date::date AS days
  ) closure
  GROUP BY agency, complaint_type
)
SELECT agency, complaint_type, total, closed,
    closed::double precision / total AS perc_closed,
    within_a_day AS number_within_a_day,
    within_a_day::double precision / closed AS closed_within_a_day,
    within_a_day::double precision / closed * (closed::double precision / total)
        AS overall_closed_within_a_day,
    start AS created_after_timestamp,
    %(weeks)s::integer AS past_number_of_weeks
FROM counted
WHERE closed > 0
