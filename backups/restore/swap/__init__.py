"""Replacing tables: shadow tables loaded in another schema, checked, and swapped in.

In: the plan of a restore. Out: tables with a backup's rows; the old ones stay in the undo schema.
Imports what `restore` may, and of `restore` the plans.
"""
