"""The HTTP side of reports: one module an endpoint."""
