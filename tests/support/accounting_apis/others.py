"""FreeAgent, Sage Accounting and QuickBooks Online, imitated by their public documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request

from support.accounting_apis.oauth_server import OAuthState, needs_token
from support.accounting_apis.servers import PackageServer, running

REALM = "9130350000000000"
BUSINESS = "b" * 32
QUERY = re.compile(
    r"select \* from (Customer|Vendor) where Active in \(true, false\)"
    r"(?: and MetaData\.LastUpdatedTime > '([^']+)')? orderby Id startposition (\d+) "
    r"maxresults (\d+)"
)


@dataclass
class FakePackage:
    """A package's entries, as its API has them, and its server."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    page_size: int = 1000
    next_link: Callable[[str], str] = lambda url: url
    server: PackageServer = field(init=False)


def _since(name: str) -> datetime | None:
    value = request.args.get(name)
    return datetime.fromisoformat(value) if value else None


def _page(found: list[dict[str, Any]], number: int, size: int) -> tuple[list[Any], bool]:
    return found[(number - 1) * size : number * size], len(found) > number * size


@contextmanager
def fake_freeagent() -> Iterator[FakePackage]:
    """FreeAgent while it runs: its paging is by links."""
    app, oauth, fake = Flask("freeagent"), OAuthState(auth="client_secret_basic"), FakePackage()

    @app.get("/v2/company")
    @needs_token(oauth)
    def company() -> Any:
        return jsonify(company={"subdomain": "office", "name": "Office Ltd"})

    @app.get("/v2/contacts")
    @needs_token(oauth)
    def contacts() -> Any:
        if not request.headers.get("User-Agent") or request.args["view"] != "all":
            return Response("no", 400)
        since = _since("updated_since")
        found = [each for each in fake.entries
                 if not since or datetime.fromisoformat(each["updated_at"]) > since]  # fmt: skip
        number = int(request.args.get("page", "1"))
        part, more = _page(found, number, min(fake.page_size, int(request.args["per_page"])))
        reply = jsonify(contacts=part)
        if more:
            args = {**request.args, "page": str(number + 1)}
            url = fake.next_link(f"{fake.server.url}/v2/contacts")
            query = urlencode(args)
            reply.headers["Link"] = f'<{url}?{query}>; rel="next", <{url}>; rel="last"'
        return reply

    with running(app, oauth) as server:
        fake.server = server
        yield fake


@contextmanager
def fake_sage() -> Iterator[FakePackage]:
    """Sage Accounting while it runs: tokens of five minutes, deleted contacts apart."""
    oauth = OAuthState(auth="client_secret_post", life=300)
    app, fake = Flask("sage"), FakePackage()

    @app.get("/v3.1/businesses")
    @needs_token(oauth)
    def businesses() -> Any:
        return jsonify({"$items": [{"id": BUSINESS, "displayed_as": "Office Ltd"}]})

    @app.get("/v3.1/contacts")
    @needs_token(oauth)
    def contacts() -> Any:
        if request.headers.get("X-Business") != BUSINESS or request.args["attributes"] != "all":
            return Response("no", 400)
        deleted, since = _since("deleted_since"), _since("updated_or_created_since")
        found = [each for each in fake.entries if bool(each.get("deleted_at")) is bool(deleted)]
        if since:
            found = [each for each in found if datetime.fromisoformat(each["updated_at"]) > since]
        size = min(fake.page_size, int(request.args["items_per_page"]), 200)
        part, more = _page(found, int(request.args["page"]), size)
        return jsonify({"$items": part, "$next": "http://169.254.169.254/" if more else None})

    with running(app, oauth) as server:
        fake.server = server
        yield fake


@contextmanager
def fake_quickbooks() -> Iterator[FakePackage]:
    """QuickBooks Online while it runs: entries have their entity in `entity`."""
    app, oauth, fake = Flask("quickbooks"), OAuthState(auth="client_secret_basic"), FakePackage()

    @app.get("/v3/company/<realm>/companyinfo/<again>")
    @needs_token(oauth)
    def company(realm: str, again: str) -> Any:
        return jsonify(CompanyInfo={"CompanyName": "Office Ltd"})

    @app.get("/v3/company/<realm>/query")
    @needs_token(oauth)
    def query(realm: str) -> Any:
        match = QUERY.fullmatch(request.args["query"])
        if realm != REALM or match is None:
            return Response("no", 400)
        entity, since, start, size = match.groups()
        found = [each for each in fake.entries if each["entity"] == entity]
        if since:
            found = [each for each in found if each["MetaData"]["LastUpdatedTime"] > since]
        part = found[int(start) - 1 :][: min(int(size), fake.page_size)]
        shown = [{name: value for name, value in each.items() if name != "entity"} for each in part]
        return jsonify(QueryResponse={entity: shown} if shown else {})

    with running(app, oauth) as server:
        fake.server = server
        yield fake
