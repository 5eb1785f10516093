"""How a check went, before its sentence; the pages show the same."""

CHECK_MARKS = {"fine": "✓", "note": "•", "failed": "✕"}
