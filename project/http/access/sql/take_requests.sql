-- Count requests of a key before they are made. Parameters: key_prefix, asked. Returns how many
-- were asked for in this minute with these, and the seconds until the next one. A statement that
-- waited for another's row lock may come from the minute before.
INSERT INTO service.key_usage AS known (key_prefix, minute, requests)
VALUES (%(key_prefix)s, date_trunc('minute', statement_timestamp()), %(asked)s)
ON CONFLICT (key_prefix) DO UPDATE SET
  minute = greatest(known.minute, excluded.minute),
  requests = excluded.requests
    + CASE WHEN known.minute >= excluded.minute THEN known.requests ELSE 0 END
RETURNING requests,
  extract(epoch FROM minute + interval '1 minute' - statement_timestamp())::float8
