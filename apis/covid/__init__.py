"""The COVID data API, /covid/v2: requests go views → answers, refreshes go refresh → fields.

In: requests for states, the nation, fields and changes; rows of dataset covid for the refresh. Out:
JSON in the RFC's envelope. May import reports.engine, reports.api.caching and project (not site).
"""
