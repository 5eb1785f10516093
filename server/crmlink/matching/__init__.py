"""Matching: from a contact's details to the records it may be, with probabilities and reasons."""

from crmlink.matching.details import Reason, Suggestion, Suggestions, is_retired
from crmlink.matching.matcher import Matcher
from crmlink.matching.reason_texts import reason_text
from crmlink.values import Address

__all__ = [
    "Address",
    "Matcher",
    "Reason",
    "Suggestion",
    "Suggestions",
    "is_retired",
    "reason_text",
]
