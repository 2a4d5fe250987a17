"""Runs: backups, checks, drills and restores with a record of each, retention, partitions.

In: a request of the API, of a command or of the schedule. Out: rows of `BackupRun`, and the status
that the dashboard and Prometheus show. Imports every room below: `make`, `restore`, `child`,
`store` and `tables`.
"""
