"""Published standards over what was ingested: Open311 Simple, MDS Metrics, COVID Tracking.

In: requests in a standard's own vocabulary. Out: its answers. Each package may import ingest,
reports and project (not site), never another one or backups.
"""
