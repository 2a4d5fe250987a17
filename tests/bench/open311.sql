-- Two hundred services, some asked for far more than others, and incidents of four years in a city
-- 40 km across that is denser towards its middle. Parameters: incidents, seed.
SELECT setseed(%(seed)s);

INSERT INTO open311.services (service_id, name, type)
SELECT n, 'Service ' || n, 'type ' || n %% 9 FROM generate_series(1, 200) n;

SET session_replication_role = replica;
INSERT INTO open311.incidents (
  incident_id, service_id, status_id, created, modified, latitude, longitude, description, zip
)
SELECT
  n, 1 + floor(200 * power(random(), 2))::bigint, 1 + (random() * 2)::integer, reported,
  reported + random() * interval '20 days',
  40.7 + (random() + random() - 1) * 0.18, -73.9 + (random() + random() - 1) * 0.24,
  'What was seen at place ' || n, (10000 + floor(random() * 300))::text
FROM (
  SELECT n, timestamptz '2022-01-01Z' + random() * interval '1461 days' AS reported
  FROM generate_series(1, %(incidents)s) n
) reports;
RESET session_replication_role;
