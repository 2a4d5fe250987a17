"""Batches with bad rows: what is wrong with which row, and the other rows written.

`isolation` decides, without a database; `violations` asks the data; `writer` tries and writes;
`refusals` says what an error that PostgreSQL raised meanwhile means. In: a `ValidatedBatch`. Out:
what was written, and the rejections.
"""
