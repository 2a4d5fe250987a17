"""Restoring tables: verified, planned, then changed, made or appended to.

In: a backup (or another tool's file) and a request. Out: a report with the plan of each table.
Imports `child`, `store`, `tables` and `avro`; rows are appended through `ingest.writing`.
"""
