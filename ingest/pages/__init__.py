"""Pages for people: the desk for rejected rows, and loading a file."""
