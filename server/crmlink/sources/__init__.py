"""Live sources: contacts read straight from accounting packages, and kept current."""
