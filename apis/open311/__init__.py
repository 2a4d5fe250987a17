"""The Open311 Simple API: a call goes views → parameters → methods → search or filing → answers.

In: calls of methods that specification.json lists. Out: incidents, services and statuses as JSON,
GeoJSON or CSV; reports and notes, stored by ingest. May import ingest and project (not site).
"""
