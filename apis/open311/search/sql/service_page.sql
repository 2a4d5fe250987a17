-- A page of what a service had in a time, and how many there are: both are found in the index
-- alone, and only the page's own rows are read.
WITH found AS MATERIALIZED (
  SELECT id, created FROM {incidents} WHERE {conditions}
  ORDER BY created DESC, id DESC LIMIT %(most)s
)
SELECT {columns}, (SELECT count(*) FROM found) AS total
FROM (
  SELECT id, created FROM found
  ORDER BY created DESC, id DESC LIMIT %(size)s OFFSET %(offset)s
) AS page
JOIN {incidents} USING (id, created)
ORDER BY created DESC, id DESC
