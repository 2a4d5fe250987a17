"""The inspection of foreign files."""
