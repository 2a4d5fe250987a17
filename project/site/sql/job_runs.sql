-- The last run of each job that was not skipped.
SELECT t.name, run.outcome, run.started_at, run.error
FROM unnest(%(names)s::text[]) AS t (name)
CROSS JOIN LATERAL (
    SELECT r.outcome, r.started_at, r.error FROM service.job_run r
    WHERE r.job = t.name AND r.outcome <> 'skipped'
    ORDER BY r.tick DESC, r.id DESC LIMIT 1
) AS run
