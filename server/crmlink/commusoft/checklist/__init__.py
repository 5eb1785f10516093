"""What only a real Commusoft account can show, as questions that an admin answers."""
