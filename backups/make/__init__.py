"""Making a backup: one snapshot, one file a table, the manifest last.

In: the names of tables and a codec. Out: a folder of the archive with its manifest.
Imports `avro`, `tables` and `store`.
"""
