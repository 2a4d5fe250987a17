"""The child process that reads backup files within limits of memory and time, and its parent.

In: a backup's folder or another tool's file. Out: problems, or COPY data of a table.
`main`, `check` and `second_reader` run in the child; `process`, `verify` and `table_reader` in the
parent; `protocol` is what both know. Imports `avro` and `store`.
"""
