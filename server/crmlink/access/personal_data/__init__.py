"""Personal data of one person: search, export and erasure."""
