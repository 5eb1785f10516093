"""Suggesting, deciding, and the life of a link; the only room that writes to Commusoft."""
