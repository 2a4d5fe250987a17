-- How many incidents meet all conditions, counted up to a number.
SELECT count(*) AS total
FROM (SELECT FROM {incidents} WHERE {conditions} LIMIT %(most)s) AS counted
