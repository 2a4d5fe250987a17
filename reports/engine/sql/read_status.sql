-- One report's status, or that of all of them (name is null), with what only the service shows.
SELECT s.report, s.refreshed_at, s.rows, s.last_batch, s.open_rejections, s.last_error,
    r.checked_at, r.failed_at, r.line, r.definition,
    to_regclass('reports.' || quote_ident(r.name)) IS NOT NULL
FROM reports.report_status s
JOIN service.report r ON r.name = s.report
WHERE %(name)s::text IS NULL OR s.report = %(name)s
ORDER BY s.report
