"""The pages for people: dashboard, tables, login, API documentation, and their common files.

In comes a request, out goes a page. May import every package; only `project.urls` and the settings
name this one.
"""
