"""API of whole lists."""
