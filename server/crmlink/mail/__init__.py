"""Email: the mail server, the letters, and the worker's part of the outbox."""
