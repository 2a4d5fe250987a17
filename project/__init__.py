"""The Django project: settings, addresses, and what the applications share.

`base` is imported by everything; `http`, `schema`, `server` and `jobs` import `base` and
`project.models` only. The applications (ingest, reports, backups, apis) import those. `site`, the
admin, `demo`, `urls` and the management commands may import everything.
"""
