"""Rows encoded for COPY by compiled code: its C sources, its binding and its result.

In: the text of a body and a table's fields. Out: an `EncodedBatch`, with rows in doubt set aside.
"""
