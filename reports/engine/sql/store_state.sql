UPDATE service.report
SET version = version + 1, sources = %(sources)s, definition = %(definition)s,
    fingerprint = %(fingerprint)s, refreshed_at = %(now)s, checked_at = %(now)s, rows = %(rows)s,
    last_batch = %(last_batch)s, snapshot_date = coalesce(%(snapshot_date)s, snapshot_date),
    line = %(line)s, failed_at = NULL, last_error = NULL
WHERE name = %(name)s
