-- title: Days to closure
-- description: >-
--   How many of the closed requests of the last weeks took how many calendar days, for each agency.
--   The weeks end with the newest request; negative days are requests closed before they were made.
-- sources: [nyc311.service_requests]
-- columns:
--   days_to_closure:
--     caption: Days to closure
--     description: Calendar days from created to closed
--     role: dimension
--   agency: {caption: Agency, description: Acronym of the agency}
--   number_of_records: {caption: Requests, description: Closed requests that took so many days}
--   created_after_timestamp: {caption: Created after, description: Begin of the window}
--   past_number_of_weeks: {caption: Weeks, description: Length of the window, role: dimension}
-- order: [days_to_closure, agency]
-- parameters:
--   weeks: {value: 12, description: Length of the window}
-- schedule: "30 7 * * *"
-- snapshot: daily
-- chart:
--   kind: bars
--   category: days_to_closure
--   values: [number_of_records]

WITH period AS (
  SELECT max(created_date) - make_interval(weeks => %(weeks)s::integer) AS start
  FROM nyc311.service_requests
)
SELECT closed_date::date - created_date::date AS days_to_closure, agency,
    count(*) AS number_of_records,
    min(start) AS created_after_timestamp,
    %(weeks)s::integer AS past_number_of_weeks
FROM period
JOIN nyc311.service_requests ON created_date >= start
WHERE status = 'Closed' AND closed_date IS NOT NULL
GROUP BY closed_date::date - created_date::date, agency
