-- Generated requests of six years, in the order they were made, as they come from the city: about
-- thirty agencies and two hundred types of complaint, texts as long as the real ones.
-- Parameter: rows.
INSERT INTO nyc311.service_requests
  (unique_key, created_date, closed_date, agency, agency_name, complaint_type, descriptor,
   location_type, incident_zip, incident_address, street_name, city, borough, status,
   resolution_description, resolution_action_updated_date, community_board, latitude, longitude)
SELECT n, created, CASE WHEN is_closed THEN created + took END,
  'AGENCY' || kind %% 30, 'Department of Service ' || kind %% 30, 'Complaint type number ' || kind,
  'Descriptor of what happened ' || n %% 900, 'Street/Sidewalk', (10000 + n %% 250)::text,
  n %% 999 || ' EXAMPLE AVENUE', 'EXAMPLE AVENUE', 'NEW YORK', 'BOROUGH ' || n %% 5,
  CASE WHEN is_closed THEN 'Closed' ELSE 'In Progress' END,
  repeat('The agency looked into the complaint and did what was needed. ', 3),
  created + took, '0' || n %% 9 || ' MANHATTAN', 40.7 + n %% 1000 / 1e4, -73.9 - n %% 777 / 1e4
FROM (
  SELECT n, (hashint8(n) & 2147483647) %% 200 AS kind,
    timestamp '2020-01-01' + n * (interval '6 years' / %(rows)s) AS created,
    (hashint8(n * 7) & 1023) * interval '13 minutes' AS took,
    hashint8(n * 3) %% 20 <> 0 AS is_closed
  FROM generate_series(1, %(rows)s::bigint) n
) request
