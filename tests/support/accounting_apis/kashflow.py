"""KashFlow, imitated by its public page: a session in two steps, two lists with links onward."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from crmlink.sources.packages import PACKAGES, Addresses, SourcePackage
from support.accounting_apis.oauth_server import OAuthState
from support.accounting_apis.servers import PackageServer, running

USER, PASSWORD, WORD = "office-user", "Correct-Horse-77", "pineapple"
POSITIONS = (3, 4, 6)
CHARACTERS = tuple(WORD[position - 1] for position in POSITIONS)


@dataclass
class FakeKashFlow:
    """Its lists, sessions, and every secret that it gave or was sent."""

    lists: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"customers": [], "suppliers": []}
    )
    company: str = "Office Ltd"
    page_size: int = 100
    next_link: Callable[[str], str] = lambda url: url
    sessions: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    locked: bool = False
    server: PackageServer = field(init=False)

    def package(self) -> SourcePackage:
        """KashFlow with this server's addresses."""
        url = self.server.url
        known = PACKAGES["kashflow"]
        return SourcePackage(
            known.id, Addresses("", f"{url}/v2/sessiontoken", url), asks_each_time=True
        )

    def add(self, number: int, part: str = "customers", **more: Any) -> dict[str, Any]:
        """Add a contact, as the API has them; return it."""
        entry = {"Id": number, "Code": f"C{number}", "Name": f"Contact {number}",
                 "IsArchived": False, "LastUpdatedDate": "2026-01-02 03:04:05"} | more  # fmt: skip
        self.lists[part].append(entry)
        return entry


@contextmanager
def fake_kashflow() -> Iterator[FakeKashFlow]:
    """KashFlow while it runs."""
    app, fake, numbers = Flask("kashflow"), FakeKashFlow(), itertools.count(1)
    waiting: set[str] = set()

    def new_token(kind: str) -> str:
        token = f"{kind}-{next(numbers):04}-9f1c2b7e"
        fake.seen.append(token)
        return token

    @app.route("/v2/sessiontoken", methods=["POST", "PUT", "DELETE"])
    def session() -> Any:
        if request.method == "DELETE":
            fake.sessions.discard(request.headers["Authorization"].removeprefix("KfToken "))
            return Response(status=204)
        body = request.get_json()
        if request.method == "POST":
            if fake.locked or body != {"UserName": USER, "Password": PASSWORD}:
                return {"Error": "AccountLocked" if fake.locked else "InvalidLogin"}, 401
            token = new_token("temporary")
            waiting.add(token)
            asked = [{"Position": position, "Value": ""} for position in POSITIONS]
            return jsonify(TemporaryToken=token, MemorableWordList=asked)
        expected = [{"Position": position, "Value": WORD[position - 1]} for position in POSITIONS]
        if body["TemporaryToken"] not in waiting or body["MemorableWordList"] != expected:
            return {"Error": "InvalidMemorableWord"}, 401
        waiting.discard(body["TemporaryToken"])
        token = new_token("session")
        fake.sessions.add(token)
        return jsonify(SessionToken=token, CompanyName=fake.company, IsAdmin=True)

    @app.get("/v2/<part>")
    def contacts(part: str) -> Any:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "KfToken" or token not in fake.sessions:
            return {"Error": "InvalidSessionToken"}, 401
        number = int(request.args["page"])
        size = min(fake.page_size, int(request.args["perpage"]))
        found = fake.lists[part][(number - 1) * size : number * size]
        more = len(fake.lists[part]) > number * size
        url = f"{fake.server.url}/v2/{part}?page={number + 1}&perpage={size}"
        return jsonify(Data=found, MetaData={"NextPageUrl": fake.next_link(url) if more else None})

    with running(app, OAuthState(auth="none")) as server:
        fake.server = server
        yield fake
