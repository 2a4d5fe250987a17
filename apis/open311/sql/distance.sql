-- Metres on a sphere between an incident and a point (haversine).
2 * %(earth_radius_m)s * asin(least(1, sqrt(
  power(sind((latitude - %(near_latitude)s) / 2), 2)
  + cosd(latitude) * cosd(%(near_latitude)s)
    * power(sind((longitude - %(near_longitude)s) / 2), 2)
))) <= %(near_m)s
