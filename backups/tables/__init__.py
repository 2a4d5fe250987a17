"""Tables as PostgreSQL has them: connections, definitions, DDL, rows.

In: a table's name or oid. Out: its definition, which goes into the manifest, the statements that
create it again, and its rows as data frames. Imports `avro` for how columns are selected.
"""
