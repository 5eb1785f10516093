"""Read-only questions over links and records."""
