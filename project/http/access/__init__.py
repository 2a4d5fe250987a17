"""Who may do what: API keys, browser sessions, public datasets, logins and limits.

In comes a request, out goes the `ApiKey` that it acts for, or one of `project.http.errors`. Imports
`project.base`, `project.models`, `project.http.errors` and `project.http.problems`.
"""
