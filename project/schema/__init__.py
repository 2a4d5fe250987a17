"""Dataset schemas in the database: made, changed, partitioned, distributed, granted to roles.

In come the files of db_setup/ and the settings of the datasets, out go the statements that were
run, in words, or a refusal with what to do. Imports `project.base` and `project.models`.
"""
