"""HTTP: from the server's event loop to a view, and from its result or error to an answer.

`gateway` takes requests in, `middleware` passes them on, `body` reads what they bring; `answers`,
`pagination` and `problems` make what goes out, `openapi` describes it. Imports `project.base` and
`project.models`; imported by the applications' views, by none of their cores.
"""
