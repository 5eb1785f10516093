"""Commands of the agent of desktop programs."""
