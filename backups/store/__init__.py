"""The folder of all backups: files that survive a power cut, manifests, names.

In: encoded blocks and manifests. Out: backups that are complete, found by id, name or table.
Imports `avro`, and of `tables` the definitions that a manifest holds; all but `archive` and
`origin` are loaded by the child process, so they import neither Django nor the database driver.
"""
