UPDATE service.report
SET version = version + 1, sources = %(sources)s, definition = %(definition)s,
    fingerprint = %(fingerprint)s, refreshed_at = %(refreshed_at)s, checked_at = %(refreshed_at)s,
    rows = %(rows)s, last_batch = %(last_batch)s, line = %(line)s,
    snapshot_date = coalesce(%(snapshot_date)s, snapshot_date), failed_at = NULL, last_error = NULL
WHERE name = %(name)s
