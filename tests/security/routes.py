"""Every route of the URL map as requests that would do something if they were let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from crmlink.web.auth import API_PREFIX, PUBLIC_ENDPOINTS
from security.attack_fixture import PARAMETERS, SPECIAL, AttackFixture, Maker, Owner, new_code
from support.installations import installation_of
from support.sandbox import HOLLOWAY

KEY = {"Idempotency-Key": "a key of a test"}
DECISION = {
    "package": "xero",
    "kind": "customer",
    "reference": HOLLOWAY,
    "record_id": "customer-1001",
}
CONTACT = {"package": "xero", "reference": HOLLOWAY}
# What a request to the API carries, so that it would be carried out; nothing where none is needed.
BODIES: dict[str, Any] = {
    "POST /api/v1/suggestions": CONTACT,
    "POST /api/v1/links": DECISION,
    "POST /api/v1/links/<link_id>/undo": {},
    "POST /api/v1/links/<link_id>/observations": {
        "connection_id": "",
        "stage": "after",
        "value": HOLLOWAY,
    },
    "POST /api/v1/links/<link_id>/withdraw": {"connection_id": ""},
    "PUT /api/v1/workspace/writes": {"writes": "api"},
    "PUT /api/v1/workspace/record-fields/<kind>": {
        "host": "app.commusoft.co.uk",
        "selector": "#ref",
        "label": "Ours",
    },
    "POST /api/v1/batches/<batch_id>/table/observations": {
        "connection_id": "",
        "stage": "after",
        "rows": [{"link_id": "x", "value": None}],
    },
    "POST /api/v1/sources/sage_50/contacts": {
        "company": "Office Ltd",
        "reading": "reading-1",
        "part": 1,
        "last": True,
        "contacts": [{"kind": "customer", "reference": "HOLL01", "name": "Mine now"}],
    },
    "POST /api/v1/parked": CONTACT,
    "POST /api/v1/batches": {"package": "xero", "contacts": [{"reference": HOLLOWAY}]},
    "POST /api/v1/packages/<package>/hosts": {"host": "sage.office.example"},
    "DELETE /api/v1/packages/<package>/hosts": {"host": "sage.office.example"},
    "POST /api/v1/people": {"name": "Eve", "email": "eve@firm.example", "role": "admin"},
    "PATCH /api/v1/people/<person_id>": {"name": "Eve"},
    "PATCH /api/v1/devices/<device_id>": {"name": "Mine now"},
    "POST /api/v1/people/<person_id>/log-outs": {"browsers": True},
    "POST /api/v1/tokens": {"name": "Mine", "scopes": ["admin"]},
    "POST /api/v1/batches/<batch_id>/sure": {"version": 1},
    "POST /api/v1/batches/<batch_id>/write": {"version": 1},
    "PUT /api/v1/batches/<batch_id>/rows/<int:position>": {"version": 0, "choice": "none"},
    "PUT /api/v1/preferences": {
        "pairing_needs_admin": False,
        "keep_names_days": 1,
        "keep_drafts_days": 1,
    },
}
QUERIES = {"GET /api/v1/records": "?q=holloway"}
# The same for forms of pages.
FORMS: dict[str, dict[str, str]] = {
    "POST /firms": {"name": "Mine now"},
    "POST /firms/<firm_id>": {"name": "Mine now"},
    "POST /firms/<firm_id>/limits": {"people": "1"},
    "POST /people": {"name": "Eve", "email": "eve@firm.example", "role": "admin"},
    "POST /people/<person_id>": {"name": "Eve", "role": "admin"},
    "POST /devices/browsers/<device_id>": {"name": "Mine now"},
    "POST /devices/tokens/new": {"name": "Mine", "days": "90", "scopes": "admin"},
    "POST /account/browsers/<device_id>/name": {"name": "Mine now"},
    "POST /packages/<package>/hosts": {"host": "sage.office.example"},
    "POST /commusoft/checklist/<question>": {"choice": "missing"},
    "POST /sources/connect/<package>": {
        "client_id": "ours",
        "redirect": "http://localhost/sources/callback",
    },
    "POST /sources/paste": {"address": "http://localhost/sources/callback?state=x&code=y"},
    "POST /upkeep/download": {"passphrase": "a long passphrase", "again": "a long passphrase"},
    "POST /commusoft/writes": {"writes": "api"},
    "POST /settings/email": {
        "host": "smtp.firm.example",
        "security": "starttls",
        "sender": "crmlink@firm.example",
    },
    "POST /settings/email/weekly": {"day": "1", "hour": "9"},
    "POST /start/address": {"address": "http://127.0.0.1:1"},
    "POST /settings": {"keep_names_days": "1", "keep_drafts_days": "1", "sure_bound": "99.9"},
}


def connection_id(target: AttackFixture) -> str:
    """The connection in use, which a decision has to name."""
    return installation_of(target.app).workspace.public_connection_id


class ParameterUnknown(Exception):
    """A route has a parameter that no one has said how to fill: add it to PARAMETERS."""


@dataclass(frozen=True)
class Route:
    """One method of one route. ``name`` is «GET /links/<link_id>»."""

    rule: Rule
    method: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule.rule}"

    @property
    def in_api(self) -> bool:
        return self.rule.rule.startswith(API_PREFIX)

    @property
    def is_public(self) -> bool:
        return self.rule.endpoint in PUBLIC_ENDPOINTS

    def path(self, target: AttackFixture) -> str:
        """Its address, about things that exist and will be there after it."""
        return self._path(target.made_by)

    def fresh_path(self, target: AttackFixture, owner: Owner) -> str:
        """Its address, about new things: of an owner, or of someone else."""
        return self._path(lambda maker: maker(target, owner))

    def _path(self, made_by: Callable[[Maker], str]) -> str:
        values = {}
        for name in self.rule.arguments:
            maker = SPECIAL.get((self.rule.rule, name)) or PARAMETERS.get(name)
            if maker is None:
                raise ParameterUnknown(f"{self.name}: {name}")
            values[name] = made_by(maker)
        built = self.rule.build(values)
        assert built is not None
        return built[1] + QUERIES.get(self.name, "")

    def content(self, target: AttackFixture) -> dict[str, Any]:
        """What the request carries."""
        if self.name == "POST /pair":
            return {"data": {"code": new_code(target), "name": "Mine"}}
        if self.name in BODIES:
            body = BODIES[self.name]
            if body is DECISION or "connection_id" in body:
                body = body | {"connection_id": connection_id(target)}
            return {"json": body}
        return {"data": FORMS[self.name]} if self.name in FORMS else {}

    def send(self, client: Client, path: str, content: dict[str, Any], **more: Any) -> TestResponse:
        """Ask; ``more`` are the test client's own words."""
        headers = KEY | more.pop("headers", {})
        return client.open(path, method=self.method, headers=headers, **content, **more)


def every_route(app: Flask, *, quiet_methods: bool = False) -> Iterator[Route]:
    """All that the URL map knows; HEAD and OPTIONS, which no one writes, only when asked for."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted(rule.methods or ()):
            if quiet_methods or method not in ("HEAD", "OPTIONS"):
                yield Route(rule, method)
