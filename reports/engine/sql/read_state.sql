SELECT version, definition, fingerprint, snapshot_date, rows, last_batch, refreshed_at,
    to_regclass('reports.' || quote_ident(name)) IS NOT NULL
FROM service.report
WHERE name = %(name)s
