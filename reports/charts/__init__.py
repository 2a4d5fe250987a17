"""Charts drawn on the server, without a script.

In: rows and the columns to draw. Out: an <svg> element as text. Imports nothing of the project;
bars, lines and columns share the elements of `svg`.
"""
