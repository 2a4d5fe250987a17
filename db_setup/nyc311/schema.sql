-- New York City's 311 service requests, with the columns of the city's open dataset under its API's
-- names. Its timestamps are floating: a wall clock in New York, without an offset. Names are without
-- a schema: setup_db makes this table in `nyc311`.

CREATE TABLE service_requests (
  unique_key bigint CONSTRAINT service_requests_pkey PRIMARY KEY,
  created_date timestamp NOT NULL,
  closed_date timestamp,
  agency text NOT NULL,
  agency_name text,
  complaint_type text NOT NULL,
  descriptor text,
  location_type text,
  incident_zip text,
  incident_address text,
  street_name text,
  cross_street_1 text,
  cross_street_2 text,
  intersection_street_1 text,
  intersection_street_2 text,
  address_type text,
  city text,
  landmark text,
  facility_type text,
  status text,
  due_date timestamp,
  resolution_description text,
  resolution_action_updated_date timestamp,
  community_board text,
  bbl text,
  borough text,
  x_coordinate_state_plane numeric,
  y_coordinate_state_plane numeric,
  open_data_channel_type text,
  park_facility_name text,
  park_borough text,
  vehicle_type text,
  taxi_company_borough text,
  taxi_pick_up_location text,
  bridge_highway_name text,
  bridge_highway_direction text,
  road_ramp text,
  bridge_highway_segment text,
  latitude double precision,
  longitude double precision,
  location text
);
COMMENT ON TABLE service_requests IS 'Requests to 311, New York City''s number for all services';
COMMENT ON COLUMN service_requests.unique_key IS 'Number of the request';
COMMENT ON COLUMN service_requests.created_date IS 'When the request was made, New York time';
COMMENT ON COLUMN service_requests.closed_date IS 'When the agency closed the request, New York time';
COMMENT ON COLUMN service_requests.agency IS 'Acronym of the agency that answers the request';
COMMENT ON COLUMN service_requests.agency_name IS 'Name of the agency';
COMMENT ON COLUMN service_requests.complaint_type IS 'What the request is about, broadly';
COMMENT ON COLUMN service_requests.descriptor IS 'What the request is about, in detail';
COMMENT ON COLUMN service_requests.location_type IS 'Kind of place';
COMMENT ON COLUMN service_requests.incident_zip IS 'ZIP code of the place';
COMMENT ON COLUMN service_requests.incident_address IS 'House number and street';
COMMENT ON COLUMN service_requests.street_name IS 'Street';
COMMENT ON COLUMN service_requests.cross_street_1 IS 'First cross street';
COMMENT ON COLUMN service_requests.cross_street_2 IS 'Second cross street';
COMMENT ON COLUMN service_requests.intersection_street_1 IS 'First street of the intersection';
COMMENT ON COLUMN service_requests.intersection_street_2 IS 'Second street of the intersection';
COMMENT ON COLUMN service_requests.address_type IS 'How the place is given: ADDRESS, INTERSECTION, BLOCKFACE …';
COMMENT ON COLUMN service_requests.city IS 'City of the place';
COMMENT ON COLUMN service_requests.landmark IS 'Landmark at the place';
COMMENT ON COLUMN service_requests.facility_type IS 'Kind of city facility concerned';
COMMENT ON COLUMN service_requests.status IS 'Open, In Progress, Assigned, Pending, Closed …';
COMMENT ON COLUMN service_requests.due_date IS 'When the agency is to have answered, New York time';
COMMENT ON COLUMN service_requests.resolution_description IS 'What was done last';
COMMENT ON COLUMN service_requests.resolution_action_updated_date IS 'When it was done, New York time';
COMMENT ON COLUMN service_requests.community_board IS 'Community board of the place';
COMMENT ON COLUMN service_requests.bbl IS 'Borough, block and lot of the parcel';
COMMENT ON COLUMN service_requests.borough IS 'Borough of the place';
COMMENT ON COLUMN service_requests.x_coordinate_state_plane IS 'Feet east, New York Long Island state plane';
COMMENT ON COLUMN service_requests.y_coordinate_state_plane IS 'Feet north, New York Long Island state plane';
COMMENT ON COLUMN service_requests.open_data_channel_type IS 'How the request came in: PHONE, ONLINE, MOBILE …';
COMMENT ON COLUMN service_requests.park_facility_name IS 'Park or facility concerned';
COMMENT ON COLUMN service_requests.park_borough IS 'Borough of the park';
COMMENT ON COLUMN service_requests.vehicle_type IS 'Kind of taxi or car';
COMMENT ON COLUMN service_requests.taxi_company_borough IS 'Borough of the taxi company';
COMMENT ON COLUMN service_requests.taxi_pick_up_location IS 'Where the taxi was taken';
COMMENT ON COLUMN service_requests.bridge_highway_name IS 'Bridge or highway';
COMMENT ON COLUMN service_requests.bridge_highway_direction IS 'Direction on the bridge or highway';
COMMENT ON COLUMN service_requests.road_ramp IS 'Roadway or ramp';
COMMENT ON COLUMN service_requests.bridge_highway_segment IS 'Segment of the bridge or highway';
COMMENT ON COLUMN service_requests.latitude IS 'Degrees north, WGS 84';
COMMENT ON COLUMN service_requests.longitude IS 'Degrees east, WGS 84';
COMMENT ON COLUMN service_requests.location IS '(latitude, longitude), as the portal writes it';

-- Closure statistics read a window of created_date and these columns of it; what they need is in the
-- index, so that they do not read the requests' long texts.
CREATE INDEX service_requests_closure_idx ON service_requests
  (created_date) INCLUDE (agency, complaint_type, borough, status, closed_date);
-- What was closed in a window, however old it is.
CREATE INDEX service_requests_closed_idx ON service_requests (closed_date);
CREATE INDEX service_requests_updated_idx ON service_requests (resolution_action_updated_date);
