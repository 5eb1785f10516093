"""Phrases for reasons and for how likely a match is."""

from crmlink.matching.details import Reason, Suggestion

VERY_LIKELY = 0.9  # as in extension/lib/linking/ranking.js

SENTENCES = {
    "same_account_number": "same account number",
    "other_account_number": "account number differs",
    "same_email": "same email",
    "shared_email": "same email, but {count} customers or suppliers have it",
    "similar_email": "email almost the same: {contact} / {record}",
    "same_email_domain": "same email domain {domain}",
    "other_email": "email differs",
    "same_phone": "same phone",
    "shared_phone": "same phone, but {count} customers or suppliers have it",
    "similar_phone": "phone differs by one digit",
    "other_phone": "phone differs",
    "same_postcode": "same postcode",
    "similar_postcode": "postcode almost the same: {contact} / {record}",
    "same_outward_postcode": "same postcode area {outward}",
    "other_postcode": "postcode differs: {contact} / {record}",
    "same_name": "same name",
    "name_one_letter": "name differs by one letter: {contact} / {record}",
    "name_spelling": "name spelt differently: {contact} / {record}",
    "name_short_form": "short form of the name: {contact} / {record}",
    "name_initial": "initial matches: {contact} / {record}",
    "name_in_part": "part of the name matches: {shared}",
    "name_more_contact": "extra word in the contact: {words}",
    "name_more_record": "extra word in Commusoft: {words}",
    "other_name": "name differs",
    "other_title": "title or forename differs: a man's and a woman's",
    "same_address": "same address",
    "address_in_part": "part of the address matches: {shared}",
    "house_number": "house number differs: {contact} / {record}",
    "other_address": "address differs",
    "same_town": "same town",
    "other_town": "town differs: {contact} / {record}",
    "other_kind": "is a {kind}, not a {contact}",
    "near_tie": "another one is almost as close",
    "namesake": "another {kind} has almost the same name",
    "retired_record": "marked as no longer in use in Commusoft",
    "retired_contact": "the contact is marked as no longer in use",
}


def reason_text(reason: Reason) -> str:
    """Return the reason as a phrase for users, without a full stop.

    Raises KeyError for an unknown code.
    """
    return SENTENCES[reason.code].format_map(reason.args)


def confidence(suggestion: Suggestion) -> str:
    """Return how likely a suggestion is, in the words that the browser extension uses."""
    if suggestion.sure:
        return "Sure"
    return "Very likely" if suggestion.probability >= VERY_LIKELY else "Possible"
