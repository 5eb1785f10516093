"""Commusoft's records: their contacts, reports and the place of their reference's field."""
