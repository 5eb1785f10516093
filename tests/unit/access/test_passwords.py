"""How strongly passwords are hashed, and who waits for it."""

from contextlib import ExitStack

import pytest
from argon2.low_level import Type
from argon2.profiles import RFC_9106_LOW_MEMORY

from crmlink.access import passwords
from crmlink.access.errors import TooManyAttempts
from support.quick_passwords import SHIPPED

FULL = TooManyAttempts(retry_after=2)


def test_passwords_are_hashed_as_strongly_as_rfc_9106_asks() -> None:
    assert SHIPPED.type is Type.ID
    assert SHIPPED.memory_cost >= RFC_9106_LOW_MEMORY.memory_cost
    assert SHIPPED.time_cost >= RFC_9106_LOW_MEMORY.time_cost
    assert SHIPPED.salt_len >= RFC_9106_LOW_MEMORY.salt_len


def test_guesses_of_clients_that_failed_keep_no_other_client_waiting() -> None:
    hashed = passwords.hash_password("four dry hammers")
    with ExitStack() as busy:
        for _ in range(passwords.MAX_WORKING):
            busy.enter_context(passwords._slots_after_failures.one(FULL))
        for _ in range(passwords.MAX_WAITING):
            passwords._slots_after_failures._entered.acquire()
            busy.callback(passwords._slots_after_failures._entered.release)
        with pytest.raises(TooManyAttempts):
            passwords.verify_password("four dry hammers", hashed, has_failed=True)
        assert passwords.verify_password("four dry hammers", hashed)
    assert passwords.verify_password("four dry hammers", hashed, has_failed=True)
