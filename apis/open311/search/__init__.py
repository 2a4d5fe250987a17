"""Reads of the Open311 API: places, dates, searches, one incident, services and statuses.

In: checked parameters. Out: rows by column name, or a page of them. May import answers.pages,
errors and project.base.
"""
