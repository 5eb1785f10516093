"""Commusoft: client, dialects, mirror, doctor and sandbox."""
