"""Files read as batches: CSV, NDJSON and JSON, of any encoding and size, also as gzip.

In: a path and how to read it (delimiter, names of columns, dates, nulls, a mapping). Out: batches,
each the body of a request and its rows byte for byte as they stand in the file. It imports
`project.base.errors` and `ingest.catalog.column_names`.
"""
