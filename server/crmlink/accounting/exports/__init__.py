"""Readers of the export files that accounting packages write."""
