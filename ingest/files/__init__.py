"""Foreign files inspected: what a file is, before anybody reads it.

In: a path or the first bytes of a file. Out: an `Inspection`, a value that says how a file is
read and what speaks for it, as text and as JSON. A bounded sample is read: `sample` (opened,
decompressed, decoded), `dialect` and `records` (CSV taken apart), `structure` (preamble, header,
footer), `column_types`, `inspection`. It imports `project.base.errors` alone: no Django, no
database, no HTTP.
"""
