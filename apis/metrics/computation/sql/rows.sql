-- Rows that happened at one moment, aggregated by interval and dimensions.
SELECT {interval} AS interval, {dimensions}{values}
FROM {table} {join}
WHERE {time} >= %(start)s AND {time} < %(end)s{near}{filters}
GROUP BY {groups}
