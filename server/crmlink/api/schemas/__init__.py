"""The shapes of requests and responses, for marshmallow and OpenAPI."""
