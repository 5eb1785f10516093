"""The audit: read, checked, and kept so that whoever meddles with it is found out."""
