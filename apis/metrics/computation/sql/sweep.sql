-- How many rows last at each moment, and what that makes of each interval: the moments at which
-- the numbers change are few, so nothing is computed minute by minute. A row begins and ends inside
-- the range here, and for snapshots at whole minutes.
WITH spans AS (
  SELECT {dimensions}{weights}, begun, ended
  FROM (
    SELECT *, {begun} AS begun, {ended} AS ended
    FROM {table} {join}
    WHERE {time} < %(end)s AND {until} > %(start)s{filters}
  ) AS {alias}
  WHERE begun < %(end)s
),
changes AS (
  SELECT {names}begun AS moment, false AS is_edge, {rises} FROM spans GROUP BY {names}begun
  UNION ALL
  SELECT {names}ended, false, {falls} FROM spans WHERE ended < %(end)s GROUP BY {names}ended
  UNION ALL
  SELECT {names}edge, true, {zeros}
  FROM (SELECT DISTINCT {names}true FROM spans) occurring
  CROSS JOIN unnest(%(starts)s::timestamptz[]) AS edges (edge)
),
moments AS (
  SELECT {names}moment, bool_or(is_edge) AS is_edge, {sums}
  FROM changes GROUP BY {names}moment
),
stretches AS (
  SELECT {names}moment, is_edge, {running},
      extract(epoch FROM lead(moment, 1, %(end)s::timestamptz) OVER by_time - moment) AS seconds
  FROM moments
  WINDOW by_time AS ({partition}ORDER BY moment)
)
SELECT {interval} AS interval, {names}{values}
FROM stretches
GROUP BY {groups}
