"""What API and pages share: authentication, rate limits, strict parsing, problem details."""
