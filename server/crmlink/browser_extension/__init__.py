"""The browser extension as this server hands it out: zips, signed packages, policy files."""
