"""Tables that exist: their rows changed in place, by the difference to a backup.

In: a backup's files and tables. Out: the same tables with the backup's rows, and the inverse
difference as rows of the undo schema. Imports what `restore` may, and of `restore` the plans.
"""
