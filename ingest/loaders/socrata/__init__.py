"""Socrata datasets read over SODA and loaded through the ingest endpoint.

In: a dataset of the settings and what is wanted of it, by default what changed since its
high-water mark. Out: batches for the loader, and the mark moved on. `client`, `soql` and
`restriction` import no Django; the others import settings, `ingest.models` and `ingest.catalog`.
"""
