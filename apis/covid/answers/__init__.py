"""What views answer with: parameters read, tables read, the envelope, HTTP caching.

In: a request's parameters and a connection with one snapshot. Out: an answer in parts, plain or
compressed. May import fields and refresh, not views.
"""
