"""Scheduled jobs: when they are due, one run at a time, and the record of each run.

In come schedules of the settings and the functions that they name, out go rows of `JobRun`. Imports
`project.base` and `project.models`; jobs are found by their dotted path.
"""
