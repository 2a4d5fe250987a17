"""The views under /api/backups.

In: HTTP requests. Out: runs and backups as JSON; the work is done by the processes that `runs`
starts. Imports `runs`, `restore.plan`, `make` and `store`.
"""
