"""The commands for whole lists."""
