"""Accounting packages: page addresses, references and export files."""
