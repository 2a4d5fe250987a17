(
  (extract(year FROM closed_date) - extract(year FROM created_date)) * 365
  + (extract(week FROM closed_date) - extract(week FROM created_date)) * 7
  + extract(isodow FROM closed_date) - extract(isodow FROM created_date)
)::integer
