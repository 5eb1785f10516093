"""Several processes that call one account know the same: failures, pace, calls in progress."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update

from crmlink.commusoft.breaker import CircuitBreaker
from crmlink.commusoft.client import CommusoftClient
from crmlink.commusoft.errors import (
    CommusoftBusy,
    CommusoftServerError,
    CommusoftTimeout,
    CommusoftUnreachable,
)
from crmlink.commusoft.limits import ClientLimits
from crmlink.commusoft.pace import CLEAN_ANSWERS, INITIAL_PER_SECOND, STEP, Pace
from crmlink.commusoft.shared.account import SharedAccount
from crmlink.commusoft.shared.calls import MARGIN, SharedCalls
from crmlink.commusoft.shared.token import SharedToken
from crmlink.commusoft.tokens import Token, TokenCache
from crmlink.commusoft.vault import Vault
from crmlink.deadline import Deadline
from crmlink.installation import Installation
from crmlink.linking.connections import delete_connection
from crmlink.store import CommusoftPace, Database
from support.sandbox import FAST_LIMITS, connection_to
from unit.installation.calling_processes import AT_ONCE, call_in_turn, hang

Accounts = tuple[SharedAccount, SharedAccount]
LIMITS = ClientLimits(failure_threshold=3, open_seconds=1_000, max_open_seconds=4_000)
SPAWN = multiprocessing.get_context("spawn")


def breakers(accounts: Accounts) -> tuple[CircuitBreaker, CircuitBreaker]:
    one, other = (CircuitBreaker(LIMITS, shared=each.states) for each in accounts)
    return one, other


def end_rest(shared: Installation) -> None:
    """Let the rest of an open breaker be over."""
    with shared.database.engine.begin() as connection:
        account = SharedAccount(shared.database, shared.workspace.connection_id)
        state = account.states.read()
        stored = vars(state) | {"opens_at": 0.0}
        connection.execute(update(CommusoftPace).values(state=stored))


def test_failures_of_all_processes_open_the_breaker_of_all(accounts: Accounts) -> None:
    one, other = breakers(accounts)
    for breaker in (one, other, one):
        breaker.admit()
        breaker.failed(CommusoftServerError(502))
    for breaker in (one, other):
        with pytest.raises(CommusoftServerError, match="resting after: status 502") as caught:
            breaker.admit()
        assert caught.value.status == 502
    assert other.last_error_code == "commusoft-fault"


def test_one_process_probes_for_all_and_its_success_lets_all_through(
    shared: Installation, accounts: Accounts
) -> None:
    one, other = breakers(accounts)
    for _ in range(3):
        one.failed(CommusoftTimeout("late"))
    end_rest(shared)
    other.admit()  # the probe
    with pytest.raises(CommusoftTimeout):
        one.admit()
    other.failed(CommusoftUnreachable("gone"))
    with pytest.raises(CommusoftUnreachable):
        one.admit()
    end_rest(shared)
    one.admit()
    one.succeeded()
    other.admit()
    assert other.last_error_code is None


def test_processes_have_one_pace(accounts: Accounts) -> None:
    one, other = (Pace(40, shared=each.states) for each in accounts)
    one.record_response(0.1, 429)
    other.record_response(0.1, 429)  # was under way, counts no second time
    assert other.present_state().per_second == INITIAL_PER_SECOND / 2
    assert one.present_state().reason == "busy"
    for _ in range(CLEAN_ANSWERS):
        other.record_response(0.1, 200)
    assert one.present_state().per_second == INITIAL_PER_SECOND / 2 + STEP


def test_a_call_in_one_process_takes_the_place_of_another_process(accounts: Accounts) -> None:
    one, other = (SharedCalls(each.states, AT_ONCE) for each in accounts)
    with one.call(Deadline(60, background=True)):
        with pytest.raises(CommusoftBusy), other.call(Deadline(0.3, background=True)):
            pytest.fail("background work took the place that people have")
        with other.call(Deadline(60)), pytest.raises(CommusoftBusy), one.call(Deadline(0.3)):
            pytest.fail("more calls at once than allowed")
    with other.call(Deadline(60, background=True)):
        pass


def test_two_real_processes_have_no_more_calls_at_once_than_one(shared: Installation) -> None:
    url = shared.database.engine.url.render_as_string(hide_password=False)
    results = SPAWN.Queue()
    arguments = (url, shared.workspace.connection_id, 12, SPAWN.Barrier(2), results)
    processes = [SPAWN.Process(target=call_in_turn, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    spans = [span for _ in processes for span in results.get(timeout=120)]
    for process in processes:
        process.join(60)
    assert len(spans) == 24
    for moment, _ in spans:
        assert sum(began <= moment < ended for began, ended in spans) <= AT_ONCE


def test_a_killed_process_gives_its_place_back_once_its_call_must_be_over(
    shared: Installation, accounts: Accounts
) -> None:
    url = shared.database.engine.url.render_as_string(hide_password=False)
    began = SPAWN.Queue()
    hung = SPAWN.Process(target=hang, args=(url, shared.workspace.connection_id, 3, began))
    hung.start()
    assert began.get(timeout=120)
    hung.kill()
    hung.join(60)
    calls = SharedCalls(accounts[0].states, 1)
    with pytest.raises(CommusoftBusy), calls.call(Deadline(0.2)):
        pytest.fail("Commusoft may still be busy with that call")
    with calls.call(Deadline(3 + MARGIN + 30)):
        pass


def test_clients_of_two_processes_leave_a_sick_commusoft_alone(accounts: Accounts) -> None:
    nowhere = connection_to("http://127.0.0.1:9")
    limits = replace(FAST_LIMITS, failure_threshold=3, open_seconds=1_000, read_retries=0)
    one, other = (CommusoftClient(nowhere, limits=limits, shared=each) for each in accounts)
    for _ in range(3):
        with pytest.raises(CommusoftUnreachable):
            one.record("customer", "1")
    with pytest.raises(CommusoftUnreachable, match="resting after"):
        other.record("customer", "1")


def test_the_installations_own_client_shares_what_its_calls_find(shared: Installation) -> None:
    """With its workspace's role, which PostgreSQL's policies bind."""
    assert shared.database.can_separate_workspaces()
    commusoft = shared.workspace.commusoft
    assert commusoft.record("customer", "1001").number == "1001"
    for _ in range(2):
        commusoft._account.transport._breaker.failed(CommusoftTimeout("late"))
    state = SharedAccount(shared.database, shared.workspace.connection_id).states.read()
    assert (state.failures, state.calls) == (2, {})
    assert commusoft.record("customer", "1001").number == "1001"
    state = SharedAccount(shared.database, shared.workspace.connection_id).states.read()
    assert state.failures == 0


def test_a_database_that_is_away_leaves_each_process_its_own_count() -> None:
    gone = SharedAccount(Database("postgresql+psycopg://none@127.0.0.1:1/nothing"), 1)
    breaker = CircuitBreaker(LIMITS, shared=gone.states)
    for _ in range(3):
        breaker.admit()
        breaker.failed(CommusoftTimeout("late"))
    with pytest.raises(CommusoftTimeout, match="resting"):
        breaker.admit()
    with SharedCalls(gone.states, 1).call(Deadline(5)):
        pass


def with_vault(shared: Installation, vault: Path) -> tuple[CommusoftClient, CommusoftClient]:
    """The clients of two processes with one key for secrets."""
    assert shared.settings.commusoft
    one, other = (
        CommusoftClient(
            shared.settings.commusoft,
            limits=FAST_LIMITS,
            shared=SharedAccount(
                shared.database, shared.workspace.connection_id, lambda: Vault.at(vault)
            ),
        )
        for _ in range(2)
    )
    return one, other


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[TokenCache]:
    """Who obtained a token."""
    asked: list[TokenCache] = []
    fetch = TokenCache._fetch

    def counted(self: TokenCache, deadline: Deadline) -> Token:
        asked.append(self)
        return fetch(self, deadline)

    monkeypatch.setattr(TokenCache, "_fetch", counted)
    return asked


def test_all_processes_use_one_token_and_renew_it_once(
    shared: Installation, fetched: list[TokenCache], tmp_path: Path
) -> None:
    """Commusoft may know only the newest one of a user."""
    one, other = with_vault(shared, tmp_path / "keys")
    one.record("customer", "1001")
    other.record("customer", "1001")
    assert len(fetched) == 1
    cache = one._account._token_cache
    with Deadline(60) as deadline:
        old = cache.token(deadline)
        new = cache.token(deadline, rejected=old)
        assert new.text != old.text
        others = other._account._token_cache
        held = others.token(deadline)
        assert held.text == old.text
        assert others.token(deadline, rejected=held).text == new.text
    assert len(fetched) == 2
    with shared.database.reading() as session:
        stored = str(session.scalar(select(CommusoftPace.state)))
    assert old.text not in stored
    assert new.text not in stored


def test_one_process_obtains_a_token_while_others_wait_for_it(
    shared: Installation, fetched: list[TokenCache], tmp_path: Path
) -> None:
    clients = with_vault(shared, tmp_path / "keys")
    with ThreadPoolExecutor(8) as pool:
        read = pool.map(lambda n: clients[n % 2].record("customer", "1001").number, range(8))
        assert list(read) == ["1001"] * 8
    assert len(fetched) == 1


class NotObtained(Exception):
    """Commusoft gave no token."""


def has_to_obtain(token: SharedToken) -> bool:
    """Return whether it is this process's turn to obtain a token, and leave it to the next one."""
    try:
        with Deadline(60) as deadline, token.turn(deadline, None) as known:
            if known is None:
                raise NotObtained
    except NotObtained:
        return True
    return False


def test_a_token_serves_its_own_credentials_and_key_alone(
    shared: Installation, fetched: list[TokenCache], tmp_path: Path
) -> None:
    one, other = with_vault(shared, tmp_path / "keys")
    one.record("customer", "1001")
    states = SharedAccount(shared.database, shared.workspace.connection_id).states
    strange = (
        (tmp_path / "other keys", other.connection),
        (tmp_path / "keys", replace(other.connection, password="another")),
    )
    for keys, credentials in strange:
        token = SharedToken(states, partial(Vault.at, keys), credentials, 1_000)
        assert has_to_obtain(token)
    with Deadline(60) as deadline:
        assert other._account._token_cache.token(deadline).text
    assert len(fetched) == 1, "what did not fit took nothing away"


def test_a_connection_that_ended_keeps_no_token(shared: Installation, tmp_path: Path) -> None:
    with_vault(shared, tmp_path / "keys")[0].record("customer", "1001")
    assert delete_connection(shared.database, shared.workspace.workspace_id)
    with shared.database.reading() as session:
        assert session.scalars(select(CommusoftPace.state)).all() == [None]
