INSERT INTO service.report_run
    (report, started_at, duration_ms, outcome, rows, last_batch, error)
VALUES
    (%(report)s, %(started_at)s, %(duration_ms)s, %(outcome)s, %(rows)s, %(last_batch)s, %(error)s)
