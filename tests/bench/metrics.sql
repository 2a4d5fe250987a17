-- A year of trips of 5,000 vehicles of three types.
DROP INDEX mds.trips_start_time_idx, mds.trips_end_time_idx, mds.trips_provider_id_idx;

INSERT INTO mds.trips (trip_id, device_id, vehicle_type, start_time, end_time, trip_duration,
  trip_distance, start_geography_id, end_geography_id)
SELECT n::text, 'v' || n %% 5000, (ARRAY['bicycle', 'moped', 'scooter'])[1 + n %% 3], began,
    began + n %% 3000 * interval '1 s', n %% 3000, n %% 7000, (n %% 40)::text, (n %% 41)::text
FROM (
  SELECT n, timestamptz '2019-01-01T00:00Z'
      + (n::float8 / %(trips)s * 365 + random() / 10) * interval '1 day' AS began
  FROM generate_series(1, %(trips)s) AS n
) made;

CREATE INDEX trips_start_time_idx ON mds.trips (start_time);

CREATE INDEX trips_end_time_idx ON mds.trips (end_time);

CREATE INDEX trips_provider_id_idx ON mds.trips (provider_id);

INSERT INTO mds.vehicles (device_id, vehicle_type)
SELECT 'v' || n, (ARRAY['bicycle', 'moped', 'scooter'])[1 + n %% 3]
FROM generate_series(0, 4999) AS n;

-- Forty events a vehicle, spread over one day.
INSERT INTO mds.vehicle_events
  (device_id, event_time, event_type, vehicle_state, geography_id)
SELECT 'v' || n %% 5000,
    timestamptz '2019-06-03T00:00Z' + (n / 5000 + random()) * interval '36 min',
    (ARRAY['reserve', 'trip_start', 'trip_end'])[1 + n / 5000 %% 3],
    (ARRAY['reserved', 'trip', 'available'])[1 + n / 5000 %% 3], (n %% 40)::text
FROM generate_series(0, 199999) AS n;

VACUUM ANALYZE mds.trips;

VACUUM ANALYZE mds.vehicle_events
