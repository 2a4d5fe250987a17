"""Rows checked against a table's definition, without a database.

In: a `Payload`. Out: a `ValidatedBatch`: groups of good rows and the rejections of the others.
`Validator` chooses the way: compiled code (`native`), by column (`column_checks`), by row
(`row_checks`). Imports the catalog and payload.
"""
