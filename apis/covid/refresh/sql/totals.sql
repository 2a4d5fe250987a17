-- On how many of the nation's days the states add up to the nation's own figures.
WITH summed AS (
  SELECT date, sum(positive) AS positive, sum(death) AS death,
      sum(total_test_results) AS total_test_results
  FROM covid.states_daily GROUP BY date
)
SELECT figure, count(*), count(*) FILTER (WHERE coalesce(nation, 0) = coalesce(added_up, 0))
FROM covid.us_daily us
LEFT JOIN summed USING (date)
CROSS JOIN LATERAL (VALUES
  (1, 'positive', us.positive, summed.positive),
  (2, 'death', us.death, summed.death),
  (3, 'total_test_results', us.total_test_results, summed.total_test_results)
) compared (place, figure, nation, added_up)
GROUP BY place, figure
ORDER BY place
