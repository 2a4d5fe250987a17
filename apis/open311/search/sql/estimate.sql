-- How many incidents the planner thinks there are.
EXPLAIN (FORMAT JSON) SELECT FROM {incidents} WHERE {conditions}
