"""The pages of whole lists."""
