-- End the sessions of report_reader whose transaction is older than `limit_s`; count them.
SELECT count(pg_terminate_backend(pid))
FROM pg_stat_activity
WHERE usename = 'report_reader' AND datname = current_database()
  AND xact_start < clock_timestamp() - make_interval(secs => %(limit_s)s)
