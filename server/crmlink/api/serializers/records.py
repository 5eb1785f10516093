"""Serializers of contacts suggested for a record."""

from __future__ import annotations

from typing import Any

from crmlink.accounting.package_rules import Packages, package_name
from crmlink.api.serializers.contacts import contact_shape
from crmlink.linking.record_contacts import ContactSuggestion
from crmlink.web.serializers import reason_shapes, record_shape


def contact_suggestion_shape(item: ContactSuggestion, packages: Packages) -> dict[str, Any]:
    """Return a suggested contact as JSON."""
    row, batch = item.row, item.batch
    return {
        "contact": {
            "package": batch.package,
            "package_name": package_name(packages, batch.package),
            "organisation": batch.organisation or None,
            **contact_shape(row),
        },
        "probability": round(item.suggestion.probability, 4),
        "sure": item.suggestion.sure,
        "reasons": reason_shapes(item.suggestion),
        "list": {"id": batch.id, "name": batch.name, "position": row.position},
        "holder": record_shape(item.holder) if item.holder else None,
        "chosen": record_shape(item.chosen) if item.chosen else None,
    }
