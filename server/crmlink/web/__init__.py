"""Shared by API and pages: authentication, rate limits, strict parsing, problem details."""
