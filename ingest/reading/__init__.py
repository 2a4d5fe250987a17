"""What is stored, read back: rows by filter and page, batches, descriptions of tables.

In: a table and a query. Out: rows as JSON or CSV, `TableDescription`. Imports catalog, validation
and, for an example that its rules let pass, writing.
"""
