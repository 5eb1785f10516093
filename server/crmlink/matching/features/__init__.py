"""Comparison features of a contact and a record."""
