-- What an index over a timestamp without time zone can answer; the exact bounds are asked for too.
{time} >= (%(start)s AT TIME ZONE {zone}) - interval '1 day'
AND {time} <= (%(end)s AT TIME ZONE {zone}) + interval '1 day'
