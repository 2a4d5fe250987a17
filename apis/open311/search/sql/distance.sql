-- Metres on a sphere between an incident and a point (haversine).
2 * {earth_radius_m} * asin(least(1, sqrt(
  power(sind((latitude - {latitude}) / 2), 2)
  + cosd(latitude) * cosd({latitude}) * power(sind((longitude - {longitude}) / 2), 2)
))) <= {reach_m}
