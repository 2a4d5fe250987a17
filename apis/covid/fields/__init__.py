"""The API's fields: definitions, change control, and how a field is written in answers.

In: covid.field_definitions and a time. Out: each name's stage, its documents, templates of rows.
May import errors and project.base only.
"""
