"""Sentences for reasons."""

from crmlink.matching.details import Reason

SENTENCES = {
    "same_account_number": "same account number",
    "other_account_number": "account number differs",
    "same_email": "same email",
    "shared_email": "same email, which {count} records share",
    "similar_email": "email nearly the same: {contact} / {record}",
    "same_email_domain": "same email domain {domain}",
    "other_email": "email differs",
    "same_phone": "same phone",
    "shared_phone": "same phone, which {count} records share",
    "similar_phone": "phone differs by one digit",
    "other_phone": "phone differs",
    "same_postcode": "same postcode",
    "similar_postcode": "postcode nearly the same: {contact} / {record}",
    "same_outward_postcode": "same postcode area {outward}",
    "other_postcode": "postcode differs: {contact} / {record}",
    "same_name": "same name",
    "name_one_letter": "name differs by one letter: {contact} / {record}",
    "name_spelling": "name spelt differently: {contact} / {record}",
    "name_short_form": "short form of the name: {contact} / {record}",
    "name_initial": "initial fits: {contact} / {record}",
    "name_in_part": "name in part the same: {shared}",
    "name_more_contact": "only the contact's name has {words}",
    "name_more_record": "only the record's name has {words}",
    "other_name": "name differs",
    "same_address": "same address",
    "address_in_part": "address in part the same: {shared}",
    "house_number": "house number differs: {contact} / {record}",
    "other_address": "address differs",
    "same_town": "same town",
    "other_town": "town differs: {contact} / {record}",
    "other_kind": "this one is a {kind}",
    "near_tie": "another record fits nearly as well",
    "namesake": "another {kind} has nearly the same name",
    "retired_record": "this record is marked as no longer in use",
    "retired_contact": "the contact is marked as no longer in use",
}


def say(reason: Reason) -> str:
    """Return the reason as a phrase for users, without a full stop.

    Raises KeyError for an unknown code.
    """
    return SENTENCES[reason.code].format_map(reason.args)
