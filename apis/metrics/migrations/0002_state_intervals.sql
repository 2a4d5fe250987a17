-- The states of vehicles as intervals, and what keeps them up to date with mds.vehicle_events.
-- Triggers of the dataset write down which vehicles changed and since when; the refresh computes
-- those anew from the event before. It runs as its owner, so that any role of the service may call it.

CREATE SCHEMA IF NOT EXISTS reports;

CREATE TABLE reports.vehicle_state_intervals (
  device_id text NOT NULL,
  provider_id uuid,
  vehicle_type text,
  vehicle_state text NOT NULL,
  geography_id text,
  started_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL
);
COMMENT ON TABLE reports.vehicle_state_intervals IS
  'From when to when each vehicle was in which state; refreshed from mds.vehicle_events';
COMMENT ON COLUMN reports.vehicle_state_intervals.device_id IS 'The vehicle';
COMMENT ON COLUMN reports.vehicle_state_intervals.provider_id IS 'The company that offers it';
COMMENT ON COLUMN reports.vehicle_state_intervals.vehicle_type IS 'Kind of vehicle';
COMMENT ON COLUMN reports.vehicle_state_intervals.vehicle_state IS 'The state it was in';
COMMENT ON COLUMN reports.vehicle_state_intervals.geography_id IS 'The area the state began in';
COMMENT ON COLUMN reports.vehicle_state_intervals.started_at IS 'When the state began';
COMMENT ON COLUMN reports.vehicle_state_intervals.ended_at IS
  'When the next state began; infinity for the last one';
CREATE INDEX vehicle_state_intervals_device_idx
  ON reports.vehicle_state_intervals (device_id, started_at);
CREATE INDEX vehicle_state_intervals_started_idx ON reports.vehicle_state_intervals (started_at);
CREATE INDEX vehicle_state_intervals_ended_idx ON reports.vehicle_state_intervals (ended_at);

-- Appended to by batches, so that two batches of the same vehicles never wait for each other.
CREATE TABLE service.vehicle_event_change (
  device_id text NOT NULL,
  since timestamptz NOT NULL
);

-- Which file of which table the intervals were computed from: a restored or truncated table has
-- another one.
CREATE TABLE service.state_interval_source (
  source text NOT NULL
);

CREATE FUNCTION service.note_vehicle_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = service, pg_temp AS $$
BEGIN
  INSERT INTO service.vehicle_event_change (device_id, since)
  SELECT device_id, min(event_time) FROM changed GROUP BY device_id;
  RETURN NULL;
END
$$;

CREATE FUNCTION service.note_vehicles() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = service, pg_temp AS $$
BEGIN
  INSERT INTO service.vehicle_event_change (device_id, since)
  SELECT device_id, '-infinity' FROM changed;
  RETURN NULL;
END
$$;

-- Return how many intervals were written.
CREATE FUNCTION service.refresh_state_intervals() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = service, pg_temp AS $$
DECLARE
  events regclass := to_regclass('mds.vehicle_events');
  present text;
  is_whole boolean;
  written bigint;
BEGIN
  IF events IS NULL OR to_regclass('mds.vehicles') IS NULL THEN
    RETURN 0;
  END IF;
  present := concat_ws(' ', events::oid, pg_relation_filenode(events));
  is_whole := NOT EXISTS (SELECT FROM service.state_interval_source WHERE source = present)
    -- Without its triggers a table tells no changes.
    OR 4 > (SELECT count(*) FROM pg_trigger
            WHERE tgrelid = events AND tgenabled <> 'D'
              AND tgfoid = 'service.note_vehicle_events()'::regprocedure);
  IF NOT is_whole AND NOT EXISTS (SELECT FROM service.vehicle_event_change) THEN
    RETURN 0;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('rowhouse.state_intervals', 0));

  IF is_whole THEN
    DELETE FROM reports.vehicle_state_intervals;
    DELETE FROM service.state_interval_source;
    INSERT INTO service.state_interval_source (source) VALUES (present);
    INSERT INTO service.vehicle_event_change (device_id, since)
    SELECT device_id, '-infinity' FROM mds.vehicles;
  END IF;

  -- One statement, one snapshot: a change that it sees comes with the events it was made by.
  WITH noted AS (
    DELETE FROM service.vehicle_event_change RETURNING device_id, since
  ),
  earliest AS (
    SELECT device_id, min(since) AS since FROM noted GROUP BY device_id
  ),
  changed AS MATERIALIZED (
    SELECT device_id, coalesce(
        (SELECT max(event_time) FROM mds.vehicle_events event
         WHERE event.device_id = earliest.device_id AND event.event_time < earliest.since),
        '-infinity') AS resumed_at
    FROM earliest
  ),
  removed AS (
    DELETE FROM reports.vehicle_state_intervals old USING changed
    WHERE old.device_id = changed.device_id AND old.started_at >= changed.resumed_at
  ),
  added AS (
    INSERT INTO reports.vehicle_state_intervals
      (device_id, provider_id, vehicle_type, vehicle_state, geography_id, started_at, ended_at)
    SELECT device_id, provider_id, vehicle_type, vehicle_state, geography_id, event_time,
        lead(event_time, 1, 'infinity') OVER (
          PARTITION BY device_id ORDER BY event_time, sequence, event_type)
    FROM changed
    JOIN mds.vehicle_events USING (device_id)
    LEFT JOIN mds.vehicles USING (device_id)
    WHERE event_time >= resumed_at
    RETURNING 1
  )
  SELECT count(*) INTO written FROM added;
  RETURN written;
END
$$;
