"""The HTTP side of reports: /api/reports and below.

In: requests. Out: reports as JSON, CSV and Tableau data sources, or a refresh. May import engine,
tableau, errors and project.http; conditional requests (`caching`) are used by pages and APIs too.
"""
