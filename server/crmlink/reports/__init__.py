"""Reports: read-only queries on links and records."""
