"""Scheduled jobs: when they are due, one run at a time, and what became of each run."""
