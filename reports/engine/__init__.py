"""The engine: definitions, and the refresh of the tables that they or an API describe.

In: a `Refreshable`, such as a report's definition. Out: its tables in schema `reports`, rows of
service.report and service.report_run, and reads of both. May import project (not site) and, of
reports, only errors and models.
"""
