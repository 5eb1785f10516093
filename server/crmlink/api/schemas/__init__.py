"""Schemas of requests and responses, for marshmallow and OpenAPI."""
