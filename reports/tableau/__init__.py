"""Data sources for Tableau: one report, or all of them related to their status.

In: definitions and the columns of report tables. Out: .tds files (XML). May import engine and
project.base.
"""
