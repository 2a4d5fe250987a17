-- Every state's and the nation's days, the newest first, with the figures published of them: a line
-- a figure as JSON, its field's number and a colon before it. Parameter: names of the fields.
SELECT area, date, last_update, states, figures
FROM (
  SELECT state AS area, date, last_update, NULL::smallint AS states FROM covid.states_daily
  UNION ALL
  SELECT 'US', date, last_update, states FROM covid.us_daily
) day
LEFT JOIN (
  SELECT area, date, string_agg(concat(
      number - 1, ':{"value":', value, ',"computed":{',
      CASE WHEN field LIKE '%%.current'
        THEN concat('"average_7_day":', coalesce(average_7_day::text, 'null'), ',') END,
      '"population_percent":', coalesce(population_percent::text, 'null'),
      ',"change_from_prior_day":', coalesce(change_from_prior_day::text, 'null'),
      ',"change_7_day_percent":', coalesce(change_7_day_percent::text, 'null'),
      '}}'), E'\n') AS figures
  FROM reports.covid_values
  JOIN unnest(%(names)s::text[]) WITH ORDINALITY AS named (field, number) USING (field)
  GROUP BY area, date
) figure USING (area, date)
ORDER BY date DESC, area
