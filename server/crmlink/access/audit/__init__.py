"""Audit log: reading, verification and upkeep, so that tampering is detected."""
