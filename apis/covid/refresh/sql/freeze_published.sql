-- Keep figures as they are published now. Parameter: names.
INSERT INTO reports.covid_frozen
SELECT * FROM reports.covid_values WHERE field = ANY (%(names)s::text[])
