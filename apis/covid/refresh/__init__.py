"""The refresh of the tables that the API reads, reports.covid_*.

In: rows of dataset covid and the time. Out: values, rows as JSON by day, documents, all in one
transaction. May import fields, reports.engine and project.base.
"""
