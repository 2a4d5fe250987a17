-- The views that incidents are published from, with their columns; our own first.
SELECT c.relname, array_agg(a.attname::text)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace('open311')
  AND c.relkind IN ('v', 'm') AND c.relname LIKE 'incidents\_from\_%%'
GROUP BY c.relname
ORDER BY c.relname <> 'incidents_from_open311', c.relname
