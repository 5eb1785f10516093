"""Comparison features of a contact and its candidate records."""
