"""A thief copies what the extension keeps in ``storage.local``, and tries to live beside it.

On a real server, from outside. The owner does what the extension does; the thief has all that the
owner's storage holds, at every moment, and may ask before or after the owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from security.outside import TIMEOUT_SECONDS, Browser, Outside, real_server

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
EMAIL, PASSWORD = "boss@firm.example", "three wet spanners"
ROUNDS = 20
Storage = dict[str, str]


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with real_server(tmp_path_factory.mktemp("outside"), REQUESTS_PER_MINUTE="100000") as server:
        yield server


@pytest.fixture(scope="module")
def admin(outside: Outside) -> requests.Session:
    return outside.become_admin(EMAIL, PASSWORD)


@pytest.fixture
def owner(outside: Outside) -> Browser:
    return Browser(outside.address)


@pytest.fixture
def storage(outside: Outside, admin: requests.Session, owner: Browser) -> Storage:
    """What a browser that was just paired keeps."""
    begun = owner.ask("POST", "/pairings", data={"browser": "Chrome"}).json()
    code = begun["user_code"]
    form = {"csrf_token": outside.csrf(admin, f"/pair?code={code}"), "code": code, "name": "Till"}
    assert admin.post(f"{outside.address}/pair", data=form, timeout=TIMEOUT_SECONDS).ok
    form = {"grant_type": DEVICE_CODE, "device_code": begun["device_code"]}
    reply = owner.ask("POST", "/token", data=form)
    assert reply.ok, reply.text
    storage: Storage = reply.json()
    return storage


def renewed(browser: Browser, storage: Storage) -> Storage | None:
    """What a refresh token brings; None when it is refused."""
    browser.access_token = ""
    form = {"grant_type": "refresh_token", "refresh_token": storage["refresh_token"]}
    reply = browser.ask("POST", "/token", data=form)
    return reply.json() if reply.ok else None


def works(browser: Browser, storage: Storage) -> bool:
    """Whether the API answers to the access token of a storage."""
    browser.access_token, browser.token_type = storage["access_token"], storage["token_type"]
    return browser.ask("GET", "/workspace").ok


def opens_without_a_key(address: str, storage: Storage) -> list[str]:
    """What a copy opens for someone who proves nothing."""
    api, opened = f"{address}/api/v1", []
    for scheme in ("Bearer", "DPoP"):
        headers = {"Authorization": f"{scheme} {storage['access_token']}"}
        if requests.get(f"{api}/workspace", headers=headers, timeout=TIMEOUT_SECONDS).ok:
            opened.append(scheme)
    form = {"grant_type": "refresh_token", "refresh_token": storage["refresh_token"]}
    if requests.post(f"{api}/token", data=form, timeout=TIMEOUT_SECONDS).ok:
        opened.append("refresh token")
    return opened


def test_a_copied_storage_opens_nothing(outside: Outside, owner: Browser, storage: Storage) -> None:
    assert opens_without_a_key(outside.address, storage) == []
    thief = Browser(outside.address)
    assert renewed(thief, storage) is None
    for kind in ("DPoP", "Bearer"):
        assert not works(thief, storage | {"token_type": kind})
    assert works(owner, storage)


def test_a_thief_who_always_asks_first_gets_nothing_and_disturbs_no_one(
    outside: Outside, owner: Browser, storage: Storage
) -> None:
    thief, stolen, through = Browser(outside.address), 0, 0
    for _ in range(ROUNDS):
        theirs = renewed(thief, storage)
        held = renewed(owner, storage)
        assert held is not None, f"the owner is locked out after {through} rounds"
        storage = held
        assert works(owner, storage)
        through += 1
        stolen += theirs is not None and works(thief, theirs)
        stolen += bool(opens_without_a_key(outside.address, theirs or storage))
    assert (stolen, through) == (0, ROUNDS)


def test_every_token_that_the_browser_ever_kept_opens_nothing_afterwards(
    outside: Outside, owner: Browser, storage: Storage
) -> None:
    kept = [storage]
    for _ in range(5):
        held = renewed(owner, kept[-1])
        assert held
        assert works(owner, held)
        kept.append(held)
    thief = Browser(outside.address)
    opened = [copy for copy in kept if renewed(thief, copy) or works(thief, copy)]
    assert opened == []
    assert works(owner, kept[-1]), "what a thief tries with old copies ends no browser"


def test_a_recorded_request_is_not_carried_out_again(
    outside: Outside, owner: Browser, storage: Storage
) -> None:
    """Somebody who also sees what the browser sends, such as in a proxy's log."""
    assert works(owner, storage)
    recorded = {
        "Authorization": f"DPoP {storage['access_token']}", "DPoP": owner.last_proof,
    }  # fmt: skip
    address = f"{outside.address}/api/v1/workspace"
    assert requests.get(address, headers=recorded, timeout=TIMEOUT_SECONDS).status_code == 401
    held = renewed(owner, storage)
    assert held
    form = {"grant_type": "refresh_token", "refresh_token": storage["refresh_token"]}
    recorded = {"DPoP": owner.last_proof}
    outside.service.stop()
    outside.service.start()  # what it has seen must not be forgotten with its process
    address = f"{outside.address}/api/v1/token"
    again = requests.post(address, data=form, headers=recorded, timeout=TIMEOUT_SECONDS)
    assert again.status_code == 400
    assert works(owner, held)


def test_admins_learn_that_a_copy_was_tried(
    outside: Outside, admin: requests.Session, storage: Storage
) -> None:
    thief = Browser(outside.address)
    for _ in range(3):
        assert renewed(thief, storage) is None
    page = admin.get(f"{outside.address}/audit", timeout=TIMEOUT_SECONDS).text
    assert "a copied token of a browser was refused" in page
    assert (
        "Browsers whose tokens were copied"
        in admin.get(outside.address, timeout=TIMEOUT_SECONDS).text
    )
    devices = admin.get(f"{outside.address}/devices", timeout=TIMEOUT_SECONDS).text
    found = re.search(r'/devices/browsers/\w+">Till</a>.*?Copied', devices, re.DOTALL)
    assert found
