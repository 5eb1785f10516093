"""JSON API: one module per resource, schemas and serializers beside them."""

from __future__ import annotations

import re

from flask import Flask
from flask_cors import CORS

from crmlink.api import (
    audit,
    devices,
    links,
    packages,
    pairings,
    parked,
    people,
    records,
    sources,
    suggestions,
    tokens,
    workspace,
)
from crmlink.api.batches import drafts, rows, table
from crmlink.installation import Installation
from crmlink.web.error_handlers import register_errors
from crmlink.web.openapi import ProblemApi


def register_api(app: Flask, installation: Installation) -> None:
    """Add the API, its authentication and its documentation to an application."""
    app.config.update(
        API_TITLE="crmlink",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    register_errors(app)
    api = ProblemApi(
        app,
        spec_kwargs={
            "info": {
                "description": "Puts references from accounting software on Commusoft records."
            },
            "components": {
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A script's token.",
                    },
                    "browser": {
                        "type": "http",
                        "scheme": "DPoP",
                        "description": "A browser's token, with a proof of its key (RFC 9449).",
                    },
                },
            },
            "security": [{"token": []}, {"browser": []}],
        },
    )
    for module in (
        workspace,
        packages,
        suggestions,
        records,
        sources,
        links,
        drafts,
        rows,
        table,
        pairings,
        parked,
        people,
        devices,
        tokens,
        audit,
    ):
        api.register_blueprint(module.blueprint)
    if listed := [
        re.compile(re.escape(origin) + r"\Z") for origin in installation.settings.cors_origins
    ]:
        CORS(
            app,
            resources={r"/api/v1/*": {"origins": listed, "expose_headers": ["DPoP-Nonce"]}},
        )
