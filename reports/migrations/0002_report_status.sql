-- How fresh each report is. A view: open rejections are counted when somebody asks. It reads
-- service tables with its owner's rights; who reads it needs none there.
CREATE SCHEMA IF NOT EXISTS reports;
CREATE OR REPLACE VIEW reports.report_status AS
SELECT r.name AS report, r.refreshed_at, r.rows, r.last_batch,
    (SELECT count(*) FROM service.rejection open
     WHERE open.state = 'open' AND open.table_name = ANY (r.sources)) AS open_rejections,
    r.last_error
FROM service.report r;
COMMENT ON VIEW reports.report_status IS 'How fresh each report table is';
COMMENT ON COLUMN reports.report_status.report IS 'Name of the report and of its table';
COMMENT ON COLUMN reports.report_status.refreshed_at IS 'When the sources were last read';
COMMENT ON COLUMN reports.report_status.rows IS 'Rows of the report table';
COMMENT ON COLUMN reports.report_status.last_batch IS 'Last ingested batch that is included';
COMMENT ON COLUMN reports.report_status.open_rejections IS
    'Rows sent for the source tables that were rejected and neither replayed nor discarded yet';
COMMENT ON COLUMN reports.report_status.last_error IS
    'Why the last refresh failed; the table is then as refreshed_at says';
