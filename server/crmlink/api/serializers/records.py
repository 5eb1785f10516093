"""Serializers of contacts suggested for a record."""

from __future__ import annotations

from typing import Any

from crmlink.accounting.package_rules import Packages, package_name
from crmlink.api.serializers.contacts import serialize_contact
from crmlink.linking.records.contacts import ContactSuggestion
from crmlink.web.serializers import serialize_reasons, serialize_record


def serialize_contact_suggestion(item: ContactSuggestion, packages: Packages) -> dict[str, Any]:
    """Return a suggested contact as JSON."""
    row, batch = item.row, item.batch
    return {
        "contact": {
            "package": batch.package,
            "package_name": package_name(packages, batch.package),
            "organisation": batch.organisation or None,
            **serialize_contact(row),
        },
        "probability": round(item.suggestion.probability, 4),
        "sure": item.suggestion.sure,
        "reasons": serialize_reasons(item.suggestion),
        "list": {"id": batch.id, "name": batch.name, "position": row.position},
        "holder": serialize_record(item.holder) if item.holder else None,
        "chosen": serialize_record(item.chosen) if item.chosen else None,
    }
