"""Pages of whole lists."""
