"""Access: people, devices, sessions and tokens."""
