-- title: Trend of the time to closure
-- description: >-
--   The mean number of calendar days that requests took which were closed in a week, for each agency
--   and each of the last weeks. Requests count in the week they were closed, whenever they were made,
--   so that a week's figure does not change when older requests are closed later. The weeks end with
--   the one of the newest request; the chart shows the agencies that closed the most.
-- sources: [nyc311.service_requests]
-- columns:
--   week: {caption: Week, description: Monday of the week in which the requests were closed}
--   agency: {caption: Agency, description: Acronym of the agency}
--   days_to_closure:
--     caption: Mean days to closure
--     description: Calendar days from created to closed, the mean over the closed requests
--   number_of_records: {caption: Requests in the mean, description: Requests closed in the week}
--   closed_before_created:
--     caption: Closed before created
--     description: Those of them whose closing date lies before their creation
--   past_number_of_weeks: {caption: Weeks, description: Length of the window, role: dimension}
-- order: [week desc, agency]
-- parameters:
--   weeks: {value: 52, description: Length of the window}
-- schedule: "30 7 * * *"
-- snapshot: daily
-- chart:
--   kind: lines
--   category: week
--   values: [days_to_closure]
--   by: agency
--   weight: number_of_records

WITH period AS (
  SELECT date_trunc('week', max(created_date)) AS last_week
  FROM nyc311.service_requests
)
SELECT date_trunc('week', closed_date)::date AS week, agency,
    avg(closed_date::date - created_date::date)::double precision AS days_to_closure,
    count(*) AS number_of_records,
    count(*) FILTER (WHERE closed_date < created_date) AS closed_before_created,
    %(weeks)s::integer AS past_number_of_weeks
FROM period
JOIN nyc311.service_requests
  ON closed_date >= last_week - make_interval(weeks => %(weeks)s::integer - 1)
  AND closed_date < last_week + interval '1 week'
WHERE status = 'Closed'
GROUP BY date_trunc('week', closed_date)::date, agency
