"""Avro backups of every table: made, checked, restored, kept.

Each room imports those after it only: `api` and the commands, `runs`, `restore`, `make`, `child`,
`store`, `tables`, `avro`. Of ingest they import `catalog` and `writing`, and what these need.
"""
