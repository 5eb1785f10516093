"""Whole lists over the API."""
