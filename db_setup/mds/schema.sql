-- Shared vehicles as the Mobility Data Specification describes them. Keys are text where the
-- specification has UUIDs, because older feeds and cities' own files use other identifiers.

CREATE TABLE providers (
  provider_id uuid CONSTRAINT providers_pkey PRIMARY KEY,
  provider_name text NOT NULL,
  url text
);
COMMENT ON TABLE providers IS 'The companies that offer vehicles';
COMMENT ON COLUMN providers.provider_id IS 'Identifier in the MDS list of providers';
COMMENT ON COLUMN providers.provider_name IS 'Name of the company';
COMMENT ON COLUMN providers.url IS 'Web address of the company';

CREATE TABLE geographies (
  geography_id text CONSTRAINT geographies_pkey PRIMARY KEY,
  name text NOT NULL,
  geography_type text,
  geography_json jsonb
);
COMMENT ON TABLE geographies IS 'The areas that trips and vehicles are counted in';
COMMENT ON COLUMN geographies.geography_id IS 'Identifier of the area';
COMMENT ON COLUMN geographies.name IS 'Name of the area';
COMMENT ON COLUMN geographies.geography_type IS 'Kind of area, such as council_district';
COMMENT ON COLUMN geographies.geography_json IS 'The area as GeoJSON';

CREATE TABLE vehicles (
  device_id text CONSTRAINT vehicles_pkey PRIMARY KEY,
  provider_id uuid CONSTRAINT vehicles_provider_id_fkey REFERENCES providers,
  vehicle_id text,
  vehicle_type text
);
COMMENT ON TABLE vehicles IS 'The vehicles that send events';
COMMENT ON COLUMN vehicles.device_id IS 'Identifier of the vehicle, never used again for another';
COMMENT ON COLUMN vehicles.provider_id IS 'The company that offers the vehicle';
COMMENT ON COLUMN vehicles.vehicle_id IS 'Number that is written on the vehicle';
COMMENT ON COLUMN vehicles.vehicle_type IS 'Kind of vehicle: scooter, bicycle, moped, car …';
CREATE INDEX vehicles_provider_id_idx ON vehicles (provider_id);

CREATE TABLE vehicle_events (
  device_id text NOT NULL CONSTRAINT vehicle_events_device_id_fkey REFERENCES vehicles,
  event_time timestamptz NOT NULL,
  event_type text NOT NULL
    CONSTRAINT vehicle_events_event_type_check CHECK (event_type ~ '^[a-z][a-z_]*$'),
  sequence smallint NOT NULL DEFAULT 0,
  vehicle_state text NOT NULL
    CONSTRAINT vehicle_events_vehicle_state_check CHECK (vehicle_state IN (
      'available', 'unavailable', 'reserved', 'trip', 'elsewhere', 'removed', 'inactive',
      'unknown')),
  geography_id text,
  event_location jsonb,
  CONSTRAINT vehicle_events_pkey PRIMARY KEY (device_id, event_time, event_type)
);
COMMENT ON TABLE vehicle_events IS 'What happened to vehicles, and the state each event leads to';
COMMENT ON COLUMN vehicle_events.device_id IS 'The vehicle';
COMMENT ON COLUMN vehicle_events.event_time IS 'When it happened';
COMMENT ON COLUMN vehicle_events.event_type IS 'What happened, such as trip_start';
COMMENT ON COLUMN vehicle_events.sequence IS 'Order of a vehicle''s events of one moment';
COMMENT ON COLUMN vehicle_events.vehicle_state IS 'State of the vehicle from this event on';
COMMENT ON COLUMN vehicle_events.geography_id IS 'The area it happened in (not checked)';
COMMENT ON COLUMN vehicle_events.event_location IS 'Where it happened, as a GeoJSON point';
CREATE INDEX vehicle_events_event_time_idx ON vehicle_events (event_time);

CREATE TABLE trips (
  trip_id text CONSTRAINT trips_pkey PRIMARY KEY,
  provider_id uuid CONSTRAINT trips_provider_id_fkey REFERENCES providers,
  device_id text,
  vehicle_type text,
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL,
  trip_duration numeric CONSTRAINT trips_trip_duration_check CHECK (trip_duration >= 0),
  trip_distance numeric CONSTRAINT trips_trip_distance_check CHECK (trip_distance >= 0),
  start_geography_id text,
  end_geography_id text,
  CONSTRAINT trips_end_time_check CHECK (end_time >= start_time)
);
COMMENT ON TABLE trips IS 'Trips that ended; where a route was sent it is not kept';
COMMENT ON COLUMN trips.trip_id IS 'Identifier of the trip';
COMMENT ON COLUMN trips.provider_id IS 'The company whose vehicle it was';
COMMENT ON COLUMN trips.device_id IS 'The vehicle (not checked: cities publish trips without vehicles)';
COMMENT ON COLUMN trips.vehicle_type IS 'Kind of vehicle: scooter, bicycle, moped, car …';
COMMENT ON COLUMN trips.start_time IS 'When the trip began';
COMMENT ON COLUMN trips.end_time IS 'When the trip ended';
COMMENT ON COLUMN trips.trip_duration IS 'Seconds, as the provider measured them; pauses may be left out';
COMMENT ON COLUMN trips.trip_distance IS 'Metres, as the provider measured them';
COMMENT ON COLUMN trips.start_geography_id IS 'The area the trip began in (not checked)';
COMMENT ON COLUMN trips.end_geography_id IS 'The area the trip ended in (not checked)';
CREATE INDEX trips_start_time_idx ON trips (start_time);
CREATE INDEX trips_end_time_idx ON trips (end_time);
CREATE INDEX trips_provider_id_idx ON trips (provider_id);

-- reports.vehicle_state_intervals is brought up to date from what these write down.
CREATE TRIGGER note_inserted AFTER INSERT ON vehicle_events
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION service.note_vehicle_events();
CREATE TRIGGER note_deleted AFTER DELETE ON vehicle_events
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION service.note_vehicle_events();
CREATE TRIGGER note_before_update AFTER UPDATE ON vehicle_events
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION service.note_vehicle_events();
CREATE TRIGGER note_after_update AFTER UPDATE ON vehicle_events
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION service.note_vehicle_events();
CREATE TRIGGER note_updated AFTER UPDATE ON vehicles
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION service.note_vehicles();
