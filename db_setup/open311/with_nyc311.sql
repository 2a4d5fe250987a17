-- Publishes nyc311.service_requests as incidents. Run with search_path open311 once both datasets
-- are set up, and again when this file or one of them changes; may be run any number of times.
--
-- An id is the request's own with 1000000000000 added; a service's id comes from the complaint
-- type's text, so that it is the same in every database and whatever was loaded first.

CREATE OR REPLACE VIEW incidents_from_nyc311 AS
SELECT
  1000000000000 + r.unique_key::bigint AS id,
  ('x' || left(md5(r.complaint_type::text), 12))::bit(48)::bigint AS service_id,
  r.complaint_type::text AS service_name,
  CASE
    WHEN r.status = 'Closed' OR (r.status IS NULL AND r.closed_date IS NOT NULL) THEN 3
    WHEN r.status IN ('Open', 'Unspecified') OR r.status IS NULL THEN 1
    ELSE 2
  END AS status_id,
  timezone('America/New_York', r.created_date) AS created,
  timezone(
    'America/New_York',
    coalesce(r.resolution_action_updated_date, r.closed_date, r.created_date)
  ) AS modified,
  r.latitude::double precision AS latitude,
  r.longitude::double precision AS longitude,
  r.descriptor::text AS description,
  r.incident_address::text AS address,
  r.incident_zip::text AS zip,
  r.borough::text AS borough,
  r.open_data_channel_type::text AS source
FROM nyc311.service_requests r;

-- What a search asks for, in the words of the view.
CREATE INDEX IF NOT EXISTS service_requests_open311_id_idx
  ON nyc311.service_requests ((1000000000000 + unique_key::bigint));
CREATE INDEX IF NOT EXISTS service_requests_open311_service_idx
  ON nyc311.service_requests (
    (('x' || left(md5(complaint_type::text), 12))::bit(48)::bigint),
    (timezone('America/New_York', created_date)),
    (1000000000000 + unique_key::bigint)
  );
CREATE INDEX IF NOT EXISTS service_requests_open311_created_idx
  ON nyc311.service_requests (
    (timezone('America/New_York', created_date)),
    (1000000000000 + unique_key::bigint)
  );
CREATE INDEX IF NOT EXISTS service_requests_open311_place_idx
  ON nyc311.service_requests (
    (latitude::double precision), (longitude::double precision)
  );
CREATE INDEX IF NOT EXISTS service_requests_open311_zip_idx
  ON nyc311.service_requests ((incident_zip::text));
