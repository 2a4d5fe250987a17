"""The constraints of a table, asked of a whole batch: by query, or once for each value.

In: the rows of a batch. Out: which rows break which rule.
"""
