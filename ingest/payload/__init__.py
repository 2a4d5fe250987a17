"""Bytes cut into rows: media types, JSON, NDJSON and CSV.

In: a request's body. Out: a `Payload`, and functions that take one apart. Imports the catalog.
"""
