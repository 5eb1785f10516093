"""Commusoft's records: their contacts, counts, reports and own fields."""
