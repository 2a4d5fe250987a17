-- How many open rejections have each code, looking at no more than the newest so many of each
-- table; and whether there are more than were looked at.
WITH counted AS (
    SELECT newest.codes, row_number() OVER (PARTITION BY t.name) AS place
    FROM unnest(%(tables)s::text[]) AS t (name)
    CROSS JOIN LATERAL (
        SELECT r.codes FROM service.rejection r
        WHERE r.state = 'open' AND r.table_name = t.name
        ORDER BY r.id DESC LIMIT %(most)s + 1
    ) AS newest
)
SELECT code, count(*), (SELECT coalesce(max(place), 0) > %(most)s FROM counted)
FROM counted CROSS JOIN LATERAL (SELECT DISTINCT unnest(codes)) AS reason (code)
WHERE place <= %(most)s
GROUP BY code
ORDER BY count(*) DESC, code
