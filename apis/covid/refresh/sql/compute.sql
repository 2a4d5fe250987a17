-- Every figure with what is computed from it, before it is given a name, into the temporary table
-- covid_computed. Parameters: states and us, the columns of each table that are published.
--
-- A percentage of a figure that is zero or less says nothing: change_7_day_percent is null there.
CREATE TEMP TABLE covid_computed ON COMMIT DROP AS
WITH figures AS (
  SELECT daily.state AS area, daily.date, figure.key AS source, figure.value::bigint AS value
  FROM covid.states_daily daily
  CROSS JOIN LATERAL jsonb_each_text(to_jsonb(daily)) figure
  WHERE figure.key = ANY (%(states)s::text[]) AND figure.value IS NOT NULL
  UNION ALL
  SELECT 'US', daily.date, figure.key, figure.value::bigint
  FROM covid.us_daily daily
  CROSS JOIN LATERAL jsonb_each_text(to_jsonb(daily)) figure
  WHERE figure.key = ANY (%(us)s::text[]) AND figure.value IS NOT NULL
),
compared AS (
  SELECT area, date, source, value,
      count(*) OVER week AS days,
      sum(value) OVER week AS total,
      first_value(value) OVER yesterday AS yesterday,
      first_value(value) OVER week_ago AS week_ago
  FROM figures
  WINDOW series AS (PARTITION BY area, source ORDER BY date - DATE '2000-01-01'),
      week AS (series RANGE BETWEEN 6 PRECEDING AND CURRENT ROW),
      yesterday AS (series RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING),
      week_ago AS (series RANGE BETWEEN 7 PRECEDING AND 7 PRECEDING)
)
SELECT area, date, source, value,
    CASE WHEN days = 7 THEN trim_scale(round(total / 7, 2)) END AS average_7_day,
    trim_scale(round(100.0 * value / population, 4)) AS population_percent,
    value - yesterday AS change_from_prior_day,
    CASE WHEN week_ago > 0
      THEN trim_scale(round(100.0 * (value - week_ago) / week_ago, 1)) END AS change_7_day_percent
FROM compared
LEFT JOIN covid.population USING (area)
