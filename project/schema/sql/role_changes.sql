-- The statements that give Rowhouse's roles back their settings in this database, which a role can
-- change itself; none where all is as it should be. Settings of other databases are left alone.
WITH wanted AS (
  SELECT role, name, value
  FROM unnest(ARRAY['rowhouse_service', 'ingest_writer', 'ingest_unchecked', 'report_writer',
                    'report_reader', 'backup_reader', 'backup_restorer']) AS role
  CROSS JOIN (VALUES
    ('idle_in_transaction_session_timeout', '60s'),
    -- Refreshes and backups take longer: they say so in their own transactions.
    ('statement_timeout', {statement_timeout}),
    ('lock_timeout', {lock_timeout}),
    -- What the texts of values depend on.
    ('timezone', 'UTC'),
    ('datestyle', 'ISO, MDY'),
    ('intervalstyle', 'postgres'),
    ('bytea_output', 'hex'),
    ('extra_float_digits', '1')
  ) AS setting (name, value)
  UNION ALL
  SELECT role, 'search_path', 'service'
  FROM unnest(ARRAY['rowhouse_service', 'ingest_writer', 'ingest_unchecked', 'report_writer']) AS role
  UNION ALL
  SELECT role, 'default_transaction_read_only', 'on'
  FROM unnest(ARRAY['report_reader', 'backup_reader']) AS role
  UNION ALL
  SELECT 'ingest_unchecked', 'session_replication_role', 'replica'
  WHERE current_setting('is_superuser') = 'on'
),
stored AS (
  SELECT rolname::text AS role, setdatabase = 0 AS is_everywhere,
    lower(split_part(entry, '=', 1)) AS name, substr(entry, strpos(entry, '=') + 1) AS value
  FROM pg_db_role_setting
  JOIN pg_roles ON pg_roles.oid = setrole
  CROSS JOIN unnest(setconfig) AS entry
  WHERE rolname IN (SELECT role FROM wanted)
    AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
)
SELECT format('ALTER ROLE %I IN DATABASE %I SET %I = %L', role, current_database(), name, wanted.value)
FROM wanted LEFT JOIN (SELECT * FROM stored WHERE NOT is_everywhere) AS known USING (role, name)
WHERE known.value IS DISTINCT FROM wanted.value
UNION ALL
SELECT CASE
    WHEN is_everywhere THEN format('ALTER ROLE %I RESET %I', role, name)
    ELSE format('ALTER ROLE %I IN DATABASE %I RESET %I', role, current_database(), name)
  END
FROM stored
WHERE is_everywhere OR NOT EXISTS (
  SELECT FROM wanted WHERE (wanted.role, wanted.name) = (stored.role, stored.name)
)
