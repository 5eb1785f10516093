"""/sources: contacts straight from accounting software."""
