"""What several servers share of a Commusoft account: pace, token, pauses."""
