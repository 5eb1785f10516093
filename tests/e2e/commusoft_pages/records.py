"""The records behind the imitated pages: those that every sandbox has, so that a mirror fits."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

ORIGIN = "https://app.commusoft.co.uk"
Records = dict[str, dict[str, str]]


def sample_records() -> Records:
    """Return the sandbox's named records by id, as the pages keep them."""
    cast = json.loads(
        (resources.files("crmlink.commusoft.sandbox") / "data/cast.json").read_text("utf-8")
    )
    return {
        f"{kind}-{one['number']}": {key: value for key, value in one.items() if _is_text(value)}
        for kind in ("customer", "supplier")
        for one in cast[kind]
        if not one.get("deleted")
    }


def many_records(count: int) -> Records:
    """Return so many customers; every tenth has the name of the one before, elsewhere."""
    return {
        f"customer-{number}": {
            "first_name": "Robin",
            "surname": f"Example {number - (number % 10 == 0):05}",
            "line1": f"{number} High Street",
            "town": "Lincoln",
            "postcode": f"LN{number % 9 + 1} {number % 7 + 1}AA",
            "reference": f"HAS-{number}" if number % 4 == 0 else "",
        }
        for number in range(1, count + 1)
    }


def record_address(record_id: str, layout: str = "new") -> str:
    """Return the address of a record's page in a layout; suppliers have one only."""
    kind, _, number = record_id.partition("-")
    if kind == "supplier":
        return f"{ORIGIN}/suppliers/list_supplier/{number}/view/supplier_details"
    if layout == "new":
        return f"{ORIGIN}/customers/customer_list/{number}/view_v2/property/view"
    return f"{ORIGIN}/customers/customer/{number}/view/property/view"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
