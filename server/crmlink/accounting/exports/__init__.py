"""Readers of the export files of accounting packages."""
