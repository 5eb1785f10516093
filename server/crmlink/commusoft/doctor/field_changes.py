"""What a write changed on a record: its fields before and after, and what a form did to them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from crmlink.commusoft.dialect import WriteMethod
from crmlink.commusoft.doctor.field_stats import leaves
from crmlink.commusoft.parsing import reference_path
from crmlink.commusoft.records import Record
from crmlink.commusoft.request_body import sendable

_STAMP = re.compile(r"updat|modif|(?<!x)chang", re.I)
_EDITOR = re.compile(r"by(?:\.|_?user|_?name|_?id|$)", re.I)
_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4}|\d{10,13}(?:\.\d+)?$")
# A shorter text or a number may be another field's by chance.
_TELLING_LENGTH = 3


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the paths whose values differ, their type included, but for times of the last change.

    Commusoft sets those by itself, as it does the name of who made the change.
    """
    old, new = dict(leaves(before)), dict(leaves(after))
    return sorted(
        path
        for path in old.keys() | new.keys()
        if not _same(old.get(path), new.get(path)) and not is_stamp(path, new.get(path))
    )


def is_stamp(path: str, value: Any) -> bool:
    """Return whether a field says when a record was last changed, or by whom."""
    if not _STAMP.search(path) or isinstance(value, bool | Mapping | list) or not value:
        return False
    return bool(_EDITOR.search(path) or _TIME.match(str(value)))


def unrestored_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the changed fields that had or have a value: one kind of empty is like another."""
    old, new = dict(leaves(before)), dict(leaves(after))
    return [path for path in changed_fields(before, after) if old.get(path) or new.get(path)]


def damaged_fields(
    before: Mapping[str, Any], held: Mapping[str, Any], sent: Collection[str]
) -> list[str]:
    """Return the paths where a form may have emptied a value, or put one that it `sent`.

    Any other value is one that someone wrote since.
    """
    old, new = dict(leaves(before)), dict(leaves(held))

    def is_ours(path: str) -> bool:
        value = new.get(path)
        return bool(old.get(path)) if not value else isinstance(value, str) and value in sent

    return [path for path in unrestored_fields(before, held) if is_ours(path)]


def sent_texts(writing: WriteMethod, record: Record, *references: str | None) -> frozenset[str]:
    """Return the texts that a form sends for a record, without those that are there by chance."""
    texts = (*sendable(writing, record).values(), *references)
    return frozenset(
        text for text in texts if isinstance(text, str) and len(text) >= _TELLING_LENGTH
    )


def form_damage(
    before: Mapping[str, Any], held: Record, writing: WriteMethod, *references: str | None
) -> list[str]:
    """Return the fields that a form damaged; one of `references` in its own place is none."""
    sent = sent_texts(writing, replace(held, raw=before), *references)
    place = reference_path(held.raw, writing.reference) if held.reference in references else None
    return [path for path in damaged_fields(before, held.raw, sent) if path != place]


def put_back(
    before: Mapping[str, Any], held: Record, writing: WriteMethod, *references: str | None
) -> tuple[Record, str | None]:
    """Return the record with what a form damaged as it was before, and the reference to send.

    `references` are the record's own, and those that were written since. If the form put one of
    them into another field, that field's earlier value is sent instead.
    """
    raw = copy.deepcopy(dict(held.raw))
    old, new = dict(leaves(before)), dict(leaves(raw))
    reference = references[0] if held.reference in references else held.reference
    for path in form_damage(before, held, writing, *references):
        _set(raw, path, old.get(path))
        if new.get(path) and new[path] in references:
            reference = str(old.get(path) or "") or None
    return replace(held, raw=raw), reference


def _set(raw: dict[str, Any], path: str, value: Any) -> None:
    *above, name = path.split(".")
    place = raw
    for part in above:
        if not isinstance(place.get(part), dict):
            place[part] = {}
        place = place[part]
    place[name] = value


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal in value and type; true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
