"""Commands for whole lists."""
