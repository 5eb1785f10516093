"""The CRM: its client, dialects, mirror, doctor and sandbox."""
