"""crmlink: the accounting reference on the matching Commusoft record, with one click."""
