"""Rejected rows: listed, exported, sent again, forgotten when their time is up.

In: filters or a rejection's id. Out: rejections, and the receipts of replays. Imports writing and
reading.
"""
