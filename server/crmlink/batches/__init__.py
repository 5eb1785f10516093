"""Batches: whole lists of contacts, imported, matched, reviewed, written and undone."""
