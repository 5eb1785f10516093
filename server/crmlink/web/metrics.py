"""``/metrics``: figures for Prometheus, for callers with the token that the operator set.

It counts requests, suggestions, links by state, Commusoft's calls and faults, and ages of what
waits, for the whole installation: no names, and nothing of a single firm. Without a token in the
settings the address does not exist.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import structlog
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from crmlink.metrics import REGISTRY, count_request
from crmlink.settings import Settings
from crmlink.store import Database
from crmlink.store.figures import Figures, read_figures
from crmlink.web.process_metrics import WebProcessesCollector
from crmlink.web.request_log import METHODS

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's: processes count together there
ENDPOINT = "metrics"

log = structlog.get_logger()


def init_metrics(app: Flask, settings: Settings, database: Database) -> None:
    """Count requests, and serve the figures where a token is set."""

    @app.get("/metrics", endpoint=ENDPOINT)
    def metrics() -> Response:
        """Return the figures to a caller with the token."""
        return metrics_reply(settings, database, request.headers.get("Authorization", ""))

    @app.after_request
    def count(reply: Response) -> Response:
        if settings.metrics_token:
            route = request.url_rule.rule if request.url_rule else None
            method = request.method if request.method in METHODS else "other"
            count_request(route, method, reply.status_code, time.perf_counter() - g.started)
        return reply


def metrics_reply(settings: Settings, database: Database, authorization: str) -> Response:
    """Return the response to a request with this header."""
    if not settings.metrics_token:
        return Response("Not found\n", 404, mimetype="text/plain")
    wanted = f"Bearer {settings.metrics_token}"
    if not hmac.compare_digest(authorization.encode(), wanted.encode()):
        headers = {"WWW-Authenticate": "Bearer"}
        return Response("The token is missing or wrong.\n", 401, headers, mimetype="text/plain")
    return Response(metrics_text(database), content_type=CONTENT_TYPE_LATEST)


def metrics_text(database: Database) -> bytes:
    """Return the figures in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_DatabaseCollector(database))
    if SHARED_FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(WebProcessesCollector())
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)


class _DatabaseCollector(Collector):
    """Metrics of what is in the database; without it, that it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        try:
            figures = read_figures(self._database)
        except Exception:  # any error means that it is unreachable
            log.warning("no figures", exc_info=True)
            figures = None
        yield InfoMetricFamily("crmlink", "This process.", {"version": version("crmlink")})
        yield _gauge("database_up", "Whether the database answers.", float(figures is not None))
        if figures:
            yield from _figures_metrics(figures)


def _figures_metrics(figures: Figures) -> Iterator[Metric]:
    yield _gauges("links", "Links, by state.", "state", figures.links)
    yield _gauges("lists", "Lists, by state.", "state", figures.lists)
    waiting = "For how long the oldest waiting work of each kind has not moved."
    yield _gauges("waiting_seconds", waiting, "work", figures.waiting)
    yield _gauge("mirror_age_seconds", "Age of the oldest copy of records.", figures.mirror)
    yield _gauge("servers", "Web and worker processes with a heartbeat.", figures.servers)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"crmlink_{name}", text, value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"crmlink_{name}", text, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
