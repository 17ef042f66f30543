"""Runs as rows: a data frame, and which of them may share a table."""
