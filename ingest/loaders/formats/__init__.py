"""Files read as batches: CSV of any dialect, NDJSON, JSON and spreadsheets, also compressed.

In: a path and how to read it (delimiter, names of columns, dates, nulls, a mapping). Out: batches,
each the body of a request and its rows byte for byte as they stand in the file. It imports
`project.base.errors`, `ingest.catalog.column_names` and `ingest.files`.
"""
