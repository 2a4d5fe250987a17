INSERT INTO service.report (name, sources, failed_at, last_error)
VALUES (%(name)s, %(sources)s, %(now)s, %(error)s)
ON CONFLICT (name) DO UPDATE
SET failed_at = excluded.failed_at, last_error = excluded.last_error
