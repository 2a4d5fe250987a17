"""The computation of a query.

In: a checked query and a connection. Out: its rows: the interval, the dimensions, the metrics. May
import definition, queries, time and reports.engine, not views.
"""
