"""Report tables: what reports/definitions/ declares, refreshed for people, Tableau and the API.

In: SELECTs with a header, the rows of datasets, a schedule. Out: tables in schema `reports`, their
status, charts, data sources. May import project (not site), and ingest.loaders.socrata in `closure`
only; never backups, apis.
"""
