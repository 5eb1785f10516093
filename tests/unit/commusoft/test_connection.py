"""Where credentials may go, and where they must not show."""

from collections.abc import Mapping

import pytest

from crmlink.commusoft.connection import Connection, ConnectionUnsafe


def connection(url: str) -> Connection:
    return Connection(url, "a", "b", "c", "d")


@pytest.mark.parametrize(
    "url",
    [
        "http://app.commusoft.co.uk/webservice_dev.php/api/v1",
        "http://127.0.0.1.example/api/v1",
        "http://localhost.example/api/v1",
        "http://10.0.0.5/api/v1",
        "ftp://app.commusoft.co.uk/api",
        "app.commusoft.co.uk/api/v1",
        "https://user:word@app.commusoft.co.uk/api/v1",
        "https://@app.commusoft.co.uk/api/v1",
        "https:///api/v1",
        "https://app.commusoft.co.uk/api/v1?token=abc",
        "https://app.commusoft.co.uk/api/v1#part",
        "https://[not-an-address/api",
        "https://app.commusoft.co.uk:port/api",
        "",
    ],
)
def test_an_address_that_could_leak_a_password_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ConnectionUnsafe, match=r"^The Commusoft address .*\.$"):
        connection(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.commusoft.co.uk/webservice_dev.php/api/v1",
        "http://127.0.0.1:8788/api/v1",
        "http://[::1]:8788/api/v1",
        "http://localhost/api/v1",
    ],
)
def test_https_anywhere_and_http_to_this_machine_are_taken(url: str) -> None:
    assert connection(url).base_url == url


def test_a_slash_at_the_end_and_white_space_do_not_matter() -> None:
    assert connection(" https://crm.example/api/v1/ ").base_url == "https://crm.example/api/v1"


def test_nothing_secret_is_in_the_repr(secrets: Mapping[str, str]) -> None:
    shown = repr(Connection("https://crm.example/api/v1", **secrets))
    assert "crm.example" in shown
    assert not [value for value in secrets.values() if value in shown]
