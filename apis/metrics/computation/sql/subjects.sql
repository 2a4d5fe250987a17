-- How many subjects have a row of some kind that lasts in an interval. Whether one has a row that
-- excludes it is asked of all its rows, also of those the filters leave out.
WITH spans AS (
  SELECT {subject} AS subject, {kept} AS is_kept, {dimensions}{conditions},
      width_bucket(greatest({time}, %(start)s::timestamptz), %(starts)s::timestamptz[]) AS first,
      width_bucket(
        greatest(
          least({until}, %(end)s::timestamptz) - interval '1 microsecond',
          {time}, %(start)s::timestamptz),
        %(starts)s::timestamptz[]) AS last
  FROM {table} {join}
  WHERE {time} < %(end)s AND ({until} > %(start)s OR {time} >= %(start)s)
    AND ({relevant})
),
presence AS (
  SELECT number, subject, is_kept, {names}{gathered}
  FROM spans CROSS JOIN generate_series(first, last) AS number
  GROUP BY number, subject, is_kept{grouped_names}
),
judged AS (
  SELECT number, is_kept, {names}{judged}
  FROM presence
  WINDOW everywhere AS (PARTITION BY number, subject)
)
SELECT number AS interval, {names}{values}
FROM judged
WHERE is_kept
GROUP BY number{grouped_names}
