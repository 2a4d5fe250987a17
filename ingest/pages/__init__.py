"""The pages for people about rows: the rejection desk and the load page.

Imports every other room of ingest but `loaders`, and `project.http`.
"""
