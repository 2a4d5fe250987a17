"""The HTTP side of ingest: one module an endpoint, which parses a request and calls a room.

Imports every other room of ingest but `pages` and `loaders`, and `project.http`.
"""
