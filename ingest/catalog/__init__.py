"""What PostgreSQL says about a table: definitions, versions, and names matched with columns.

In: a connection and a table's name. Out: `Table` and the registry that remembers what is compiled
for one. Imports nothing of ingest but its errors.
"""
