"""Linking: suggestions, decisions and attempts; the only room that writes to Commusoft."""
