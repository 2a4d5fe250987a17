"""The MDS Metrics API, /mds/metrics: a query goes views → queries → computation → answers.

In: discovery requests and queries; metrics declared in definitions/*.yml. Out: the standard's
documents, or CSV. May import reports.engine and project (not site).
"""
