-- How many days of each series there are. Parameter: names of the fields.
SELECT area, field, count(*)
FROM reports.covid_values
WHERE field = ANY (%(names)s::text[]) AND area <> 'US'
GROUP BY area, field
