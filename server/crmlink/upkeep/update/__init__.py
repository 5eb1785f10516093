"""Updating an installation: a newer release found, checked and installed, or the way back."""
