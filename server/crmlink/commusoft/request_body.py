"""Body of the request that writes a reference to a record.

A PUT replaces, so the body is the record as read with one field changed; or it is a form of its own
names, filled with what the record shows.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from crmlink.commusoft.dialect import WriteMethod
from crmlink.commusoft.errors import InvalidCommusoftResponse
from crmlink.commusoft.parsing import has_path, value_at
from crmlink.commusoft.records import Record

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


def write_path(writing: WriteMethod, record: Record) -> str:
    """Return the path of the request. Raises `InvalidCommusoftResponse` if the id is missing."""
    return fill_path(writing.path, record.number, record.uuid)


def fill_path(path: str, number: str, uuid: str | None) -> str:
    """Return `path` with its id, percent-encoded.

    Raises `InvalidCommusoftResponse` without a UUID.
    """
    if "{uuid}" in path and not uuid:
        raise InvalidCommusoftResponse("a record without a UUID")
    return path.format(number=quote(number, safe=""), uuid=quote(uuid or "", safe=""))


def write_body(writing: WriteMethod, record: Record, reference: str | None) -> tuple[bytes, str]:
    """Return the body and its content type; None clears the reference."""
    if writing.sent:
        return _encoded(writing, _form_fields(writing, record, reference))
    fields = {key: value for key, value in record.raw.items() if key not in writing.omit}
    fields = _with_value(fields, writing.reference.split("."), reference or "")
    for name in writing.required:
        if fields.get(name) is None:
            fields[name] = ""
    return _encoded(writing, fields)


def sendable(writing: WriteMethod, record: Record) -> dict[str, Any]:
    """Return the record's values that a form sends, by its names; none that the record lacks."""
    found: dict[str, Any] = {}
    for name, paths in writing.sent:
        path = next((path for path in paths if has_path(record.raw, path)), None)
        value = value_at(record.raw, path) if path else None
        if path and not isinstance(value, Mapping | list):
            found[name] = value
    return found


def _form_fields(writing: WriteMethod, record: Record, reference: str | None) -> dict[str, Any]:
    fields = sendable(writing, record)
    fields.pop(writing.left_out, None)
    return fields | {writing.sent_reference: reference or ""}


def _encoded(writing: WriteMethod, fields: dict[str, Any]) -> tuple[bytes, str]:
    document = {writing.wrapper: fields} if writing.wrapper else fields
    if writing.encoding == "json":
        return json.dumps(document, ensure_ascii=False).encode(), JSON_TYPE
    return urlencode(list(_flat("", document))).encode(), FORM_TYPE


def _with_value(fields: Mapping[str, Any], path: list[str], value: str) -> dict[str, Any]:
    """Return a copy of `fields` with the value at `path`; other values are shared."""
    copy = dict(fields)
    if len(path) == 1:
        copy[path[0]] = value
        return copy
    inner = copy.get(path[0])
    # PHP encodes an object without members as an empty list.
    if inner is None or inner == []:
        inner = {}
    if not isinstance(inner, Mapping):
        raise InvalidCommusoftResponse("a record whose reference has no place")
    copy[path[0]] = _with_value(inner, path[1:], value)
    return copy


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield nested data as PHP's `a[b][0]` names."""
    if isinstance(value, Mapping | list):
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in pairs:
            yield from _flat(f"{prefix}[{key}]" if prefix else str(key), inner)
    elif isinstance(value, bool):
        yield prefix, "1" if value else "0"
    else:
        yield prefix, "" if value is None else str(value)
