"""Time as the Metrics API writes it: timestamps, durations, grids of intervals.

In: ISO 8601 text and time zones. Out: aware datetimes and intervals. Imports nothing of the project
outside this package.
"""
