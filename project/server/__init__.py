"""The running service: the embedded PostgreSQL and the processes beside it.

In come the settings and what the `up` command passes; out comes a service that is started, watched
and stopped. Imports `project.base` only.
"""
