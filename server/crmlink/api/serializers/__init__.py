"""Rows and results as the JSON of the API."""
