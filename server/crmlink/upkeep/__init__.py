"""Looking after an installation: backups, restoring them, checks, a diagnosis for support."""
