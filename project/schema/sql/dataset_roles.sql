-- What Rowhouse's roles may do in one dataset's schema, also with tables that the administrator
-- makes there later, by hand or from db_setup. May be run any number of times.

GRANT USAGE ON SCHEMA {schema}
  TO rowhouse_service, ingest_writer, report_writer, backup_reader, backup_restorer;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO ingest_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO ingest_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO rowhouse_service, report_writer, backup_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO backup_reader, backup_restorer;
-- A restored table may refer to the others.
GRANT SELECT, REFERENCES ON ALL TABLES IN SCHEMA {schema} TO backup_restorer;

ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ingest_writer;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO ingest_writer;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
  GRANT SELECT ON TABLES TO rowhouse_service, report_writer, backup_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
  GRANT SELECT ON SEQUENCES TO backup_reader, backup_restorer;
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
  GRANT SELECT, REFERENCES ON TABLES TO backup_restorer;
