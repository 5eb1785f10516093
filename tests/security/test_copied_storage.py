"""A thief copies what the extension keeps in ``storage.local``, and tries to live beside it.

On a real server, from outside. The owner does what the extension does; the thief has all that the
owner's storage holds, at every moment, and may ask before or after the owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from security.outside import SLOWEST, Outside, real_server
from support.browser_key import BrowserKey

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
EMAIL, PASSWORD = "boss@firm.example", "three wet spanners"
ROUNDS = 20


@dataclass
class Holder:
    """Something that talks to the server as the extension does, with a key of its own."""

    address: str
    key: BrowserKey = field(default_factory=BrowserKey)
    nonce: str = ""

    def ask(self, method: str, path: str, *, bearer: bool = False, **more: Any) -> requests.Response:
        """One request with its proof; once more when the server wants its own nonce in it."""
        url = f"{self.address}/api/v1{path}"
        token, kind = more.pop("token", ("", ""))
        for _ in range(2):
            headers = {} if bearer else {"DPoP": self.key.proof(method, url, self.nonce, token)}
            if token:
                headers["Authorization"] = f"{'Bearer' if bearer else kind} {token}"
            reply = requests.request(method, url, headers=headers, timeout=SLOWEST, **more)
            self.nonce = reply.headers.get("DPoP-Nonce", self.nonce)
            if not reply.ok and reply.json().get("error") == "use_dpop_nonce":
                continue
            break
        return reply

    def renew(self, storage: dict[str, str], **more: Any) -> dict[str, str] | None:
        """What a refresh token brings; None when it is refused."""
        form = {"grant_type": "refresh_token", "refresh_token": storage["refresh_token"]}
        reply = self.ask("POST", "/token", data=form, **more)
        return reply.json() if reply.ok else None

    def works(self, storage: dict[str, str], **more: Any) -> bool:
        """Whether the API answers to the access token of a storage."""
        token = (storage["access_token"], storage["token_type"])
        return self.ask("GET", "/workspace", token=token, **more).ok


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with real_server(tmp_path_factory.mktemp("outside"), REQUESTS_PER_MINUTE="100000") as server:
        yield server


@pytest.fixture(scope="module")
def boss(outside: Outside) -> requests.Session:
    return outside.become_admin(EMAIL, PASSWORD)


def connect(outside: Outside, boss: requests.Session, owner: Holder) -> dict[str, str]:
    """Pair a browser; what it keeps in its storage then."""
    begun = owner.ask("POST", "/pairings", data={"browser": "Chrome"}).json()
    code = begun["user_code"]
    form = {"csrf_token": outside.csrf(boss, f"/pair?code={code}"), "code": code, "name": "Till"}
    assert boss.post(f"{outside.address}/pair", data=form, timeout=SLOWEST).ok
    form = {"grant_type": DEVICE_CODE, "device_code": begun["device_code"]}
    reply = owner.ask("POST", "/token", data=form)
    assert reply.ok, reply.text
    storage: dict[str, str] = reply.json()
    return storage


@pytest.fixture
def owner(outside: Outside) -> Holder:
    return Holder(outside.address)


@pytest.fixture
def storage(outside: Outside, boss: requests.Session, owner: Holder) -> dict[str, str]:
    return connect(outside, boss, owner)


def test_a_copied_storage_opens_nothing(
    outside: Outside, owner: Holder, storage: dict[str, str]
) -> None:
    for bearer in (True, False):
        thief = Holder(outside.address)
        assert not thief.works(storage, bearer=bearer)
        assert not thief.works(storage | {"token_type": "Bearer"}, bearer=bearer)
        assert thief.renew(storage, bearer=bearer) is None
    assert owner.works(storage)


def test_a_thief_who_always_asks_first_gets_nothing_and_disturbs_nobody(
    outside: Outside, owner: Holder, storage: dict[str, str]
) -> None:
    thief, stolen, through = Holder(outside.address), 0, 0
    for _ in range(ROUNDS):
        copy = dict(storage)
        theirs = thief.renew(copy) or thief.renew(copy, bearer=True)
        renewed = owner.renew(storage)
        assert renewed is not None, f"the owner is locked out after {through} rounds"
        storage = renewed
        assert owner.works(storage)
        through += 1
        stolen += theirs is not None and thief.works(theirs)
    assert (stolen, through) == (0, ROUNDS)


def test_every_token_that_the_browser_ever_kept_opens_nothing_afterwards(
    outside: Outside, owner: Holder, storage: dict[str, str]
) -> None:
    kept = [storage]
    for _ in range(5):
        renewed = owner.renew(kept[-1])
        assert renewed
        assert owner.works(renewed)
        kept.append(renewed)
    thief = Holder(outside.address)
    opened = [copy for copy in kept if thief.renew(copy) or thief.works(copy)]
    assert opened == []
    assert owner.works(kept[-1]), "what a thief tries with old copies ends no browser"


def test_the_server_says_that_a_copy_was_tried(
    outside: Outside, boss: requests.Session, storage: dict[str, str]
) -> None:
    thief = Holder(outside.address)
    for _ in range(3):
        assert thief.renew(storage) is None
    page = boss.get(f"{outside.address}/audit?q=copied", timeout=SLOWEST).text
    told = re.findall(r"device\.token_copied|a copied token was refused", page)
    assert told
