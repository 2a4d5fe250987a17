"""Avro files: types, schemas, codecs, containers, records.

In: data frames of a table's columns, and the bytes of files, which may be hostile. Out: blocks of
records, COPY data, JSON values. Imports no other room and no database driver: the child process
loads it.
"""
