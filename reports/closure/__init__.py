"""Closure statistics of 311 requests: as functions, an API and a command.

In: requests at Socrata or in nyc311.service_requests, counted there. Out: rows or data frames of
figures by group. May import ingest.loaders.socrata and project (not site), nothing else of reports.
"""
