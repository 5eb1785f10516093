"""Passwords, one-time links and codes cannot be guessed, and no one is kept out by who tries."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crmlink.access.context import AccessContext
from crmlink.access.devices import command_line_actor
from crmlink.access.known_browsers import KnownBrowser
from crmlink.access.people import new_invitation
from crmlink.store import Person
from security.attack import forms_of
from support.access_factories import PASSWORD, logged_in, make_person
from support.installations import installation_of, open_app

PER_MINUTE = 600  # the default: 10 wrong passwords in 15 minutes, 30 from one address in a minute
SLOW = 100  # wrong passwords for one email in an hour
NEW_PASSWORD = "four dry hammers"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of guesses need not cost 64 MB each; what is verified is the same."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("crmlink.access.passwords._hasher", cheap)
    made = cheap.hash(PASSWORD)
    monkeypatch.setattr("crmlink.access.passwords._dummy_hash", lambda: made)
    monkeypatch.setattr("support.access_factories._hash", made)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with open_app(tmp_path, requests_per_minute=PER_MINUTE, trusted_proxies=1) as app:
        yield app


@dataclass
class Browser:
    """A browser at an address; it keeps its cookies."""

    client: FlaskClient

    @classmethod
    def at(cls, app: Flask, address: str) -> Browser:
        client = app.test_client()
        client.environ_base["HTTP_X_FORWARDED_FOR"] = address
        return cls(client)

    def log_in(self, email: str, password: str) -> TestResponse:
        _, csrf = forms_of(self.client)
        form = {"csrf_token": csrf, "email": email, "password": password}
        return self.client.post("/log-in", data=form)


def wrong_from_everywhere(app: Flask, email: str, most: int) -> int:
    """Guess, each time from another address, until it is bounded; return how often one may."""
    for count in range(most):
        address = f"10.{count // 250}.{count % 250}.7"
        if Browser.at(app, address).log_in(email, "wrong").status_code == 429:
            return count
    return most


def at_once(count: int, ask: Callable[[int], TestResponse]) -> Counter[int]:
    """The statuses of requests that are sent at the same moment."""
    start = threading.Barrier(count)

    def one(number: int) -> int:
        start.wait()
        return ask(number).status_code

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(one, range(count)))


def test_simultaneous_guesses_do_not_pass_the_bound_together(app: Flask) -> None:
    person = make_person(installation_of(app).access)
    browsers = [Browser.at(app, "10.0.0.1") for _ in range(40)]
    forms = [forms_of(browser.client)[1] for browser in browsers]

    def guess(number: int) -> TestResponse:
        form = {"csrf_token": forms[number], "email": person.email, "password": "wrong"}
        return browsers[number].client.post("/log-in", data=form)

    assert at_once(40, guess) == {401: 10, 429: 30}


def test_simultaneous_guesses_of_a_code_do_not_either(app: Flask) -> None:
    access = installation_of(app).access
    person = make_person(access)
    clients = [logged_in(app, access, person) for _ in range(60)]
    found = at_once(60, lambda number: clients[number].get("/pair?code=BCDF-GHJK"))
    assert found == {404: 30, 429: 30}


def test_ten_wrong_passwords_of_a_stranger_keep_no_one_out(app: Flask) -> None:
    person = make_person(installation_of(app).access)
    stranger = Browser.at(app, "10.0.0.1")
    statuses = [stranger.log_in(person.email, "wrong").status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert stranger.log_in(person.email, PASSWORD).status_code == 429  # whatever they guess now
    assert Browser.at(app, "10.0.0.2").log_in(person.email, PASSWORD).status_code == 303


def test_one_email_has_a_slower_bound_wherever_the_guesses_come_from(app: Flask) -> None:
    person = make_person(installation_of(app).access)
    assert wrong_from_everywhere(app, person.email, 130) == SLOW
    refused = Browser.at(app, "10.200.0.1").log_in(person.email.upper(), PASSWORD)
    assert refused.status_code == 429
    assert 60 < int(refused.headers["Retry-After"]) <= 3600


def test_a_browser_that_signed_in_before_is_not_kept_out_by_strangers(app: Flask) -> None:
    person = make_person(installation_of(app).access)
    own, other = Browser.at(app, "10.0.0.1"), Browser.at(app, "10.0.0.1")
    assert own.log_in(person.email, PASSWORD).status_code == 303
    assert wrong_from_everywhere(app, person.email, 130) == SLOW
    for _ in range(35):  # and from the same office
        other.log_in("someone@firm.example", "wrong")
    assert other.log_in(person.email, PASSWORD).status_code == 429
    assert own.log_in(person.email, PASSWORD).status_code == 303


def test_a_known_browser_has_a_bound_of_its_own(app: Flask) -> None:
    """Who sits at it, or has copied its cookie, may not guess for ever."""
    person = make_person(installation_of(app).access)
    own = Browser.at(app, "10.0.0.1")
    assert own.log_in(person.email, PASSWORD).status_code == 303
    statuses = [own.log_in(person.email, "wrong").status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert Browser.at(app, "10.0.0.2").log_in(person.email, PASSWORD).status_code == 303


def test_a_browser_is_known_for_its_own_person_only_and_by_a_signed_cookie(app: Flask) -> None:
    access = installation_of(app).access
    own, victim = make_person(access), make_person(access)
    insider = Browser.at(app, "10.0.0.1")
    assert insider.log_in(own.email, PASSWORD).status_code == 303
    statuses = [insider.log_in(victim.email, "wrong").status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    cookie = insider.client.get_cookie("crmlink_known")
    assert cookie
    assert cookie.http_only
    assert cookie.max_age
    assert cookie.max_age > 90 * 24 * 3600
    known = KnownBrowser.read(access, cookie.value)
    assert known
    assert re.fullmatch("[0-9a-f]{16}", known.id)
    assert [len(bytes.fromhex(each)) for each in known.people] == [16]
    forged = Browser.at(app, "10.0.0.9")
    for value in (cookie.value[:-2] + "xx", "", "x" * 5000, cookie.value + ".x"):
        forged.client.set_cookie("crmlink_known", value)
        assert forged.log_in(own.email, "wrong").status_code in (401, 429)
    assert wrong_from_everywhere(app, own.email, 130) < SLOW  # the forged ones counted


def test_two_people_at_one_browser_are_both_known(app: Flask) -> None:
    access = installation_of(app).access
    people = [make_person(access) for _ in range(3)]
    shared = Browser.at(app, "10.0.0.1")
    for person in people:
        assert shared.log_in(person.email, PASSWORD).status_code == 303
    for person in people:
        assert wrong_from_everywhere(app, person.email, 130) == SLOW
        assert shared.log_in(person.email, PASSWORD).status_code == 303


def test_a_new_password_forgets_the_browsers_of_the_old_one(app: Flask) -> None:
    access = installation_of(app).access
    person = make_person(access)
    old, new = Browser.at(app, "10.0.0.1"), Browser.at(app, "10.0.0.2")
    assert old.log_in(person.email, PASSWORD).status_code == 303
    _join_again(access, new.client, person)
    assert wrong_from_everywhere(app, person.email, 130) == SLOW
    assert old.log_in(person.email, NEW_PASSWORD).status_code == 429
    assert new.log_in(person.email, NEW_PASSWORD).status_code == 303


def _join_again(access: AccessContext, client: FlaskClient, person: Person) -> None:
    token = new_invitation(access, command_line_actor(access), person.public_id)
    _, csrf = forms_of(client)
    form = {"csrf_token": csrf, "token": token, "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert client.post("/welcome", data=form).status_code == 303


def test_no_answer_tells_whether_an_email_is_known(app: Flask) -> None:
    person = make_person(installation_of(app).access)
    answers = []
    for email, address in ((person.email, "10.0.0.1"), ("nobody@firm.example", "10.0.0.2")):
        browser = Browser.at(app, address)
        for _ in range(12):
            reply = browser.log_in(email, "wrong")
            page = reply.get_data(as_text=True).replace(email, "EMAIL")
            kept = reply.headers.getlist("Set-Cookie")
            answers.append((email, reply.status_code, len(page), len(kept)))
    known = [answer[1:] for answer in answers if answer[0] == person.email]
    unknown = [answer[1:] for answer in answers if answer[0] != person.email]
    assert known == unknown
    assert {status for status, _, _ in known} == {401, 429}


def test_right_passwords_do_not_count(app: Flask) -> None:
    person = make_person(installation_of(app).access)
    browsers = [Browser.at(app, "10.0.0.1") for _ in range(35)]
    assert {browser.log_in(person.email, PASSWORD).status_code for browser in browsers} == {303}


def test_guessing_from_one_address_is_bounded_whatever_the_email(app: Flask) -> None:
    stranger = Browser.at(app, "10.0.0.1")
    statuses = [
        stranger.log_in(f"someone{number}@firm.example", "wrong").status_code
        for number in range(32)
    ]
    assert statuses == [401] * 30 + [429] * 2
    assert Browser.at(app, "10.0.0.2").log_in("else@firm.example", "wrong").status_code == 401


def test_one_ipv6_network_counts_as_one_address(app: Flask) -> None:
    """A household or a server has 2**64 addresses of its own."""
    statuses = [
        Browser.at(app, f"2001:db8:1:2::{number:x}").log_in(f"n{number}@firm.example", "wrong")
        for number in range(1, 33)
    ]
    assert [reply.status_code for reply in statuses] == [401] * 30 + [429] * 2
    next_door = Browser.at(app, "2001:db8:1:3::1")
    assert next_door.log_in("else@firm.example", "wrong").status_code == 401


def test_guessing_one_time_links_is_bounded(app: Flask) -> None:
    stranger = Browser.at(app, "10.0.0.1")
    _, csrf = forms_of(stranger.client)
    form = {"csrf_token": csrf, "token": "crmi_guess"}
    statuses = [stranger.client.post("/welcome", data=form).status_code for _ in range(32)]
    assert statuses == [422] * 30 + [429] * 2


def test_guessing_ones_present_password_is_bounded(app: Flask) -> None:
    access = installation_of(app).access
    client = logged_in(app, access, make_person(access))
    page = client.get("/account").get_data(as_text=True)
    csrf = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": csrf, "old": "wrong", "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    statuses = [client.post("/account/password", data=form).status_code for _ in range(32)]
    assert statuses == [422] * 30 + [429] * 2
