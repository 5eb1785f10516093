"""An address that `crmlink serve` cannot listen at is said in a sentence that leads on."""

from __future__ import annotations

import socket

import click
import pytest

from crmlink.cli.serve import _bound_socket

ELSEWHERE = "192.0.2.1"  # of documents alone: no computer has it


def test_an_address_of_another_computer_is_not_called_a_port_in_use() -> None:
    with pytest.raises(click.ClickException) as refused:
        _bound_socket(ELSEWHERE, 0)
    assert refused.value.message == f"{ELSEWHERE} isn't an address of this computer."


def test_a_port_in_use_is_said_with_another_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException) as refused:
            _bound_socket("127.0.0.1", port)
    assert f"Port {port} can't be used" in refused.value.message
    assert "--port" in refused.value.message
