"""What the applications' pages for people share: views as pages, and Django's admin.

A view and the scope it needs come in, a guarded view goes out. Imports `project.base`,
`project.models` and the rest of `project.http`.
"""
