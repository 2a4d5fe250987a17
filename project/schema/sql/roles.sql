-- The roles of one database: who may do what in `service` and `reports`. What they may do in a
-- dataset's schema is in dataset_roles.sql. May be run any number of times.

DO $$
DECLARE
  role_name text;
  routine regprocedure;
BEGIN
  FOREACH role_name IN ARRAY
    ARRAY['rowhouse_service', 'ingest_writer', 'ingest_unchecked', 'report_writer',
          'report_reader', 'backup_reader', 'backup_restorer']
  LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I LOGIN', role_name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        -- Another database of the same server was quicker. Looking for the role also makes this
        -- session forget that there was none.
        PERFORM FROM pg_catalog.pg_roles WHERE rolname = role_name;
      END;
    END IF;
    -- The comment also takes a lock that all databases of a server share: two set-ups at once
    -- would fail with "tuple concurrently updated".
    EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, 'made and kept by Rowhouse');
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
  END LOOP;

  FOREACH role_name IN ARRAY
    ARRAY['rowhouse_service', 'ingest_writer', 'ingest_unchecked', 'report_writer']
  LOOP
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), role_name);
  END LOOP;

  -- Ingest may switch off the triggers that check foreign keys row by row, once it has looked up and
  -- locked what a whole batch refers to: a session of its own does, or behind a pooler, where there
  -- is none, a role of its own.
  IF NOT pg_has_role('ingest_unchecked', 'ingest_writer', 'USAGE') THEN
    GRANT ingest_writer TO ingest_unchecked;
  END IF;
  IF current_setting('is_superuser') = 'on' THEN
    IF NOT has_parameter_privilege('ingest_writer', 'session_replication_role', 'SET') THEN
      GRANT SET ON PARAMETER session_replication_role TO ingest_writer;
    END IF;
  END IF;

  -- Restores and drills execute what a backup defines as a role that owns nothing but the schemas
  -- they work in. The administrator, who makes these schemas and takes over what is restored, is a
  -- member of it (a superuser is one already).
  EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO backup_restorer', current_database());
  IF NOT pg_has_role(current_user, 'backup_restorer', 'USAGE') THEN
    EXECUTE format('GRANT backup_restorer TO %I', current_user);
  END IF;

  -- A backup has all rows, whatever policies hide from others. Who may not give the right has to
  -- ask somebody who may: until then tables with policies are missing in backups, which say so.
  IF EXISTS (SELECT FROM pg_catalog.pg_roles
             WHERE rolname = current_user AND (rolsuper OR rolcreaterole AND rolbypassrls)) THEN
    ALTER ROLE backup_reader BYPASSRLS;
  END IF;

  -- PostgreSQL lets everybody make temporary tables, which the readers shall not.
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());

  -- Nor hold locks that set-up, refreshes, jobs and batches take, or fill the table of locks, or make
  -- large objects. Only a superuser can take this from everybody.
  IF current_setting('is_superuser') = 'on' THEN
    FOR routine IN
      SELECT oid FROM pg_proc
      WHERE pronamespace = 'pg_catalog'::regnamespace
        AND (proname ~ '^pg_(try_)?advisory_' OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea'))
        AND has_function_privilege('public', oid, 'EXECUTE')
    LOOP
      EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
      EXECUTE format(
        'GRANT EXECUTE ON FUNCTION %s TO rowhouse_service, ingest_writer, report_writer', routine);
    END LOOP;
  END IF;

  -- Nor shall they take all connections there are.
  IF (SELECT rolconnlimit FROM pg_roles WHERE rolname = 'report_reader')
    <> current_setting('max_connections')::integer / 4
  THEN
    EXECUTE format(
      'ALTER ROLE report_reader CONNECTION LIMIT %s',
      current_setting('max_connections')::integer / 4);
  END IF;
END
$$;


-- Refreshes make, fill and replace the report tables, so their role owns them. The administrator
-- becomes a member of it (a superuser is one already) to grant rights on what it owns.
DO $$
DECLARE
  report text;
BEGIN
  IF NOT pg_has_role(current_user, 'report_writer', 'USAGE') THEN
    EXECUTE format('GRANT report_writer TO %I', current_user);
  END IF;
  GRANT USAGE, CREATE ON SCHEMA reports TO report_writer;
  FOR report IN
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'reports'::regnamespace AND c.relkind = 'r'
      AND c.relowner <> 'report_writer'::regrole
  LOOP
    EXECUTE format('ALTER TABLE reports.%I OWNER TO report_writer', report);
  END LOOP;
END
$$;

-- It becomes one of report_reader to end its long transactions.
DO $$
BEGIN
  IF NOT pg_has_role(current_user, 'report_reader', 'USAGE') THEN
    EXECUTE format('GRANT report_reader TO %I', current_user);
  END IF;
END
$$;

-- The web processes read and write everything Rowhouse owns, but change no table's definition.
GRANT USAGE ON SCHEMA service, reports TO rowhouse_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA service TO rowhouse_service;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA service TO rowhouse_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA service
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rowhouse_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA service GRANT USAGE, SELECT ON SEQUENCES TO rowhouse_service;
GRANT SELECT ON ALL TABLES IN SCHEMA reports TO rowhouse_service;
ALTER DEFAULT PRIVILEGES IN SCHEMA reports GRANT SELECT ON TABLES TO rowhouse_service;

-- Tableau and people read the report tables, nothing else.
GRANT USAGE ON SCHEMA reports TO report_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA reports TO report_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA reports GRANT SELECT ON TABLES TO report_reader;

GRANT USAGE ON SCHEMA service TO ingest_writer, report_writer, backup_restorer;
GRANT USAGE ON SCHEMA service, reports TO backup_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA reports TO backup_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA reports GRANT SELECT ON TABLES TO backup_reader;

-- Receipts are written with the rows they account for. Nobody but the service itself reads keys,
-- accounts and sessions, so both lists name what is allowed.
DO $$
DECLARE
  allowed record;
BEGIN
  FOR allowed IN
    SELECT table_name, privileges, grantee
    FROM (VALUES
      ('batch', 'SELECT, INSERT, UPDATE', 'ingest_writer'),
      ('rejection', 'SELECT, INSERT, UPDATE', 'ingest_writer'),
      ('idempotency_key', 'SELECT, INSERT, UPDATE, DELETE', 'ingest_writer'),
      ('batch', 'SELECT', 'report_writer'),
      ('report', 'SELECT, INSERT, UPDATE', 'report_writer'),
      ('report_run', 'SELECT, INSERT', 'report_writer'),
      ('batch', 'SELECT', 'backup_reader'),
      ('rejection', 'SELECT', 'backup_reader'),
      ('applied_schema', 'SELECT', 'backup_reader'),
      ('batch', 'SELECT', 'backup_restorer'),
      ('rejection', 'SELECT', 'backup_restorer')
    ) AS rule (table_name, privileges, grantee)
    WHERE to_regclass(format('service.%I', table_name)) IS NOT NULL
  LOOP
    EXECUTE format(
      'GRANT %s ON service.%I TO %I', allowed.privileges, allowed.table_name, allowed.grantee);
  END LOOP;
  IF to_regclass('service.rejection_id_seq') IS NOT NULL THEN
    GRANT USAGE ON SEQUENCE service.rejection_id_seq TO ingest_writer;
    GRANT SELECT ON SEQUENCE service.rejection_id_seq TO backup_reader, backup_restorer;
  END IF;
  IF to_regclass('service.report_run_id_seq') IS NOT NULL THEN
    GRANT USAGE ON SEQUENCE service.report_run_id_seq TO report_writer;
  END IF;
END
$$;
