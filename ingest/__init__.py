"""Batches of rows in, receipts out.

A row goes through the rooms in one direction: catalog and payload, validation, writing. Beside
writing stand `rejections` and `reading`; on top `api`, `pages` and `loaders`, an HTTP client.
Imports `project`, and neither reports, backups nor apis.
"""
