"""The embedded PostgreSQL, and the settings of a PgBouncer in front of any server.

In comes a data folder with its settings, out goes the server that runs on it: `server` uses
`cluster` (programs and files), `postmaster` (processes) and `os_user`. Imports `project.base` only.
"""
