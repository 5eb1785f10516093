"""How strongly passwords are hashed."""

from argon2.low_level import Type
from argon2.profiles import RFC_9106_LOW_MEMORY

from support.quick_passwords import SHIPPED


def test_passwords_are_hashed_as_strongly_as_rfc_9106_asks() -> None:
    assert SHIPPED.type is Type.ID
    assert SHIPPED.memory_cost >= RFC_9106_LOW_MEMORY.memory_cost
    assert SHIPPED.time_cost >= RFC_9106_LOW_MEMORY.time_cost
    assert SHIPPED.salt_len >= RFC_9106_LOW_MEMORY.salt_len
