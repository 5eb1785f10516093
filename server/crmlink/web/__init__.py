"""What pages and API share: who asks, rate limits, strict parsing, security headers, problems."""
