"""What accounting packages look like: their addresses, references and export files."""
