-- The figures under the names they are published by: computed ones, and those that are kept as they
-- were or zeroed. Parameters: names, sources, kinds and areas (of fields that are updated), frozen
-- and zeroed (names).
INSERT INTO reports.covid_values
  (area, date, field, value, average_7_day, population_percent, change_from_prior_day,
   change_7_day_percent)
SELECT area, date, name, value, CASE WHEN kind = 'current' THEN average_7_day END,
    population_percent, change_from_prior_day, change_7_day_percent
FROM covid_computed
JOIN unnest(%(names)s::text[], %(sources)s::text[], %(kinds)s::text[], %(scopes)s::text[])
    AS field (name, source, kind, scope) USING (source)
WHERE (area = 'US') = (scope = 'us')
UNION ALL
SELECT area, date, field, value, average_7_day, population_percent, change_from_prior_day,
    change_7_day_percent
FROM reports.covid_frozen WHERE field = ANY (%(frozen)s::text[])
UNION ALL
SELECT area, date, field, 0, 0 * average_7_day, 0 * population_percent,
    0 * change_from_prior_day, 0 * change_7_day_percent
FROM reports.covid_frozen WHERE field = ANY (%(zeroed)s::text[])
