"""Rows into their table, by COPY or by one statement for each set of columns.

In: groups of `ValidatedRows` and how conflicts are settled. Out: `Written`. Imports the statements
and the constraints.
"""
