"""JSON of others: a repeated name is found by counting each name once."""

import pytest

from crmlink.strict_json import NameTwice, read_json

MANY = 200_000  # compared with each other they would take an hour


def test_a_name_given_twice_among_many_is_named() -> None:
    names = [*map(str, range(MANY)), "again", "again"]
    text = "{" + ",".join(f'"{name}":1' for name in names) + "}"
    with pytest.raises(NameTwice, match="“again” is given twice"):
        read_json(text)
