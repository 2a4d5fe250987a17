"""Tables that do not exist: made beside the others from a definition, filled, moved in.

In: a backup's files and definitions. Out: tables with its rows. The drill stops before the move.
Imports what `restore` may, and of `restore` the plans.
"""
