"""The loader, an HTTP client: files and Socrata datasets sent to a running service in batches.

In: files, stdin or a Socrata dataset; the address of a service and an API key. Out: batches sent
until they are answered, the totals of their receipts, a file of the rejected rows. It imports
`project.base.errors`, `ingest.catalog.column_names`, `ingest.files`; only `socrata` imports Django.
"""
