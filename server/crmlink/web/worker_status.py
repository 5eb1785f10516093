"""What a worker of its own answers: ``/metrics`` to a caller with the token, and ``/readyz``."""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask, Response, jsonify, request
from waitress.server import create_server

from crmlink.settings import Settings
from crmlink.store import Database
from crmlink.web.health import BackgroundWork, readiness, watch_worker
from crmlink.web.metrics import metrics_reply


def worker_status(settings: Settings, database: Database, worker: BackgroundWork) -> Flask:
    """Return the application."""
    app = Flask(__name__, static_folder=None)
    watch_worker(app, worker)

    @app.get("/metrics")
    def metrics() -> Response:
        return metrics_reply(settings, database, request.headers.get("Authorization", ""))

    @app.get("/readyz")
    def ready() -> tuple[Response, int]:
        parts = readiness(database, settings.data_dir)
        return jsonify(parts), 200 if set(parts.values()) == {"ok"} else 503

    return app


def serve_status(app: Flask, host: str, port: int) -> int:
    """Serve it in a thread until the process ends; returns the port. Raises OSError."""
    server: Any = create_server(app, host=host, port=port, threads=2, ident=None)
    threading.Thread(target=server.run, name="status", daemon=True).start()
    return int(server.effective_port)
