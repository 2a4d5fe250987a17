"""Answers of the Open311 API: pages of lists, formats, CORS and caching headers.

In: a page of results, or one object. Out: the body and the headers of a response. Imports nothing
of the project outside this package.
"""
