"""The HTTP side of ingest: one module an endpoint."""
