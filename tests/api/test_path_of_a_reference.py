"""A contact's reference on its way to Commusoft: few rooms, and each call to one below."""

from __future__ import annotations

import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from flask.testing import FlaskClient

import crmlink
from support.sandbox import HOLLOWAY, new_key

PACKAGE = Path(crmlink.__file__).parent
LAYERS: list[str] = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"][0]["layers"]
DEPTHS = {
    name.removeprefix("crmlink."): depth
    for depth, layer in enumerate(LAYERS)
    for name in layer.split(" | ")
}
MAX_ROOMS = 8
HANDED_DOWN = ("<lambda>", "<genexpr>", "<listcomp>")  # called where they were handed to
Calls = dict[tuple[str, str], str]


def _room(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    if not path.is_relative_to(PACKAGE):
        return None
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return room if room in DEPTHS else None


class RoomPath:
    """The rooms that calls entered below a view of the API, and one call for each step."""

    def __init__(self) -> None:
        self.calls: Calls = {}

    @property
    def rooms(self) -> set[str]:
        return {room for step in self.calls for room in step}

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """Note one call, as Python's profiler tells of it."""
        code = frame.f_code
        if event != "call" or code.co_name in HANDED_DOWN or (room := _room(code)) is None:
            return
        caller = _caller(frame)
        if caller and caller != room:
            self.calls.setdefault((caller, room), f"{code.co_filename}: {code.co_name}")


def _caller(frame: FrameType) -> str | None:
    """The room that a call came from; None above the view, and for what `web` asks by itself."""
    rooms: list[str] = []
    above = frame
    while above.f_back:
        above = above.f_back
        if room := _room(above.f_code):
            rooms.append(room)
        if above.f_code.co_name == "post" and "/api/" in above.f_code.co_filename:
            return None if "web" in rooms else rooms[0]
    in_pool = threading.current_thread().name.startswith("attempt")
    return (rooms[0] if rooms else "linking") if in_pool else None


@contextmanager
def followed() -> Iterator[RoomPath]:
    path = RoomPath()
    threading.setprofile(path.note)
    sys.setprofile(path.note)
    try:
        yield path
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def turns_back(calls: Calls) -> Calls:
    """The steps to a room that is not below the one that they came from."""
    return {step: where for step, where in calls.items() if DEPTHS[step[0]] >= DEPTHS[step[1]]}


def test_a_reference_passes_eight_rooms_at_most_and_never_turns_back(client: FlaskClient) -> None:
    contact = {"package": "xero", "reference": HOLLOWAY, "kind": "customer"}
    with followed() as suggesting:
        found = client.post("/api/v1/suggestions", json=contact | {"name": "Margaret Holloway"})
    record = found.json["suggestions"][0]["record"]["id"]  # type: ignore[index]
    chosen = {"record_id": record, "connection_id": found.json["connection_id"]}  # type: ignore[index]
    with followed() as linking:
        linked = client.post(
            "/api/v1/links", json=contact | chosen, headers={"Idempotency-Key": new_key()}
        )
    assert (linked.status_code, linked.json["state"]) == (201, "linked")  # type: ignore[index]
    assert {"linking", "accounting", "matching"} <= suggesting.rooms
    assert {"api", "linking", "accounting", "commusoft", "store"} <= linking.rooms
    assert len(linking.rooms) <= MAX_ROOMS, linking.rooms
    for path in (suggesting, linking):
        assert not turns_back(path.calls)


@pytest.mark.parametrize("step", [("store", "linking"), ("linking", "api"), ("api", "pages")])
def test_a_step_back_would_be_seen(step: tuple[str, str]) -> None:
    assert turns_back({step: "", ("api", "linking"): ""}) == {step: ""}
