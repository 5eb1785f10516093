"""Features of identifiers: emails, phones, account number and kind, weighted by idf.

Of several emails or phones the best pair counts; they differ only if all pairs differ.
"""

import numpy as np
from rapidfuzz.distance import OSA

from crmlink.matching import normalise
from crmlink.matching.columns import Floats, Ints
from crmlink.matching.features.context import ComparisonContext
from crmlink.matching.features.similarity import BoolArray
from crmlink.matching.index import ACCOUNT, DOMAINS, EMAILS, PHONES
from crmlink.matching.normalised import EMAIL_FLAG, is_email

Features = dict[str, Floats]
MAX_EDIT = 1.01  # number of letters that may differ, with room for rounding
MIN_NEAR_EMAIL = 0.7  # similarity from which an email may be another's misspelling
MIN_DOMAIN_SIMILARITY = 0.85  # similarity from which two domains count as spellings of one
MIN_LABEL_SIMILARITY = 0.75  # the same of the first parts, where what is before the @ is equal
MIN_LABEL_LENGTH = 5  # of shorter ones many are alike
SAME_MAILBOX = 2.0  # value of email_misspelt for a slip in the domain alone


def identifier_features(context: ComparisonContext) -> Features:
    """Return features of all identifiers of the contact except postcodes."""
    contact = context.contact
    account = (contact.account,) if contact.account else ()
    return (
        _emails(context)
        | _phones(context)
        | _codes(context, "account", account, ACCOUNT)
        | _kinds(context)
        | _retired(context)
    )


def _codes(
    context: ComparisonContext, field: str, values: tuple[str, ...], part: slice
) -> Features:
    """Return agreement of any value, as its idf, and difference of all."""
    if not values:
        return {}
    record_codes = context.identifier_table[:, part]
    numbers, rarity = context.codes("+" if field == "phone" else field[0], values)
    same = (record_codes[:, :, None] == numbers) & (numbers >= 0)
    agreed = (same * rarity).max(axis=(1, 2), initial=0.0)
    other = (record_codes >= 0).any(axis=1) & ~same.any(axis=(1, 2))
    columns = {f"{field}_same": agreed, f"{field}_other": other.astype(np.float64)}
    if len(values) > 1:
        columns[f"{field}_second"] = (same.sum(axis=(1, 2)) > 1).astype(np.float64)
    return columns


def _emails(context: ComparisonContext) -> Features:
    contact = context.contact.emails
    if not contact:
        return {}
    columns = _codes(context, "email", contact, EMAILS)
    same = columns["email_same"] > 0
    near: Floats = _near_emails(context, contact, ~same)
    columns["email_near"] = np.maximum(near - 0.3, 0.0)
    columns["email_misspelt"] = _misspelt_emails(context, contact, (near >= MIN_NEAR_EMAIL) & ~same)
    columns["email_close"] = (np.maximum(near - 0.7, 0.0) * context.log_total).astype(np.float64)
    comparable = _has_whole_email(context) if any(map(is_email, contact)) else np.zeros_like(same)
    columns["email_other"] = columns["email_other"] * (near < 0.5) * comparable
    domain = _codes(context, "domain", context.contact.domains, DOMAINS)
    if domain:
        columns |= domain
        columns["domain_same"] = domain["domain_same"] * ~same
    return columns


def _near_emails(context: ComparisonContext, contact: tuple[str, ...], among: BoolArray) -> Floats:
    """Return the similarity of the two most similar emails where `among` is true, else 0."""
    record_codes = context.identifier_table[:, EMAILS]
    near: Floats = np.zeros(len(record_codes))
    for email, text in zip(contact, context.contact.email_texts, strict=True):
        for column in range(record_codes.shape[1]):
            of = among & (record_codes[:, column] >= 0)
            if of.any():
                np.maximum(
                    near, context.code_similarity(email, record_codes[:, column], of), out=near
                )
        np.maximum(near, context.trigram_cosine(text, EMAIL_FLAG) * among, out=near)
    return near


def _misspelt_emails(
    context: ComparisonContext, contact: tuple[str, ...], among: BoolArray
) -> Floats:
    """Return 1 where an email is another in spite of a slip in its domain or before the @.

    SAME_MAILBOX if the slip is in the domain alone and that is long. 0 where the domain is a
    provider's, more than one record has it, or another record has the contact's; emails made of one
    name are alike there.
    """
    words, found = context.index.codes.words, np.zeros(len(among))
    for row in np.flatnonzero(among).tolist():
        numbers = context.identifier_table[row, EMAILS].tolist()
        held = [words[number][2:] for number in numbers if number >= 0]
        found[row] = max(
            (_slip(context, one, other) for one in contact for other in held), default=0
        )
    return found


def _slip(context: ComparisonContext, email: str, other: str) -> float:
    (local, _, domain), (record_local, _, record_domain) = (
        text.rpartition("@") for text in (email, other)
    )
    if {domain, record_domain} & normalise.FREE_MAIL:
        return 0.0
    if {local, record_local} & normalise.GENERIC_MAILBOXES:
        return 0.0
    if _digits(local) != _digits(record_local):
        return 0.0
    if OSA.distance(local, record_local) > 1:
        return 0.0
    found = 1.0 * (OSA.normalized_similarity(domain, record_domain) >= MIN_DOMAIN_SIMILARITY)
    if local == record_local and _are_alike_labels(domain, record_domain):
        found = SAME_MAILBOX
    numbers = context.codes("d", (domain, record_domain))[0]
    others, holders = context.index.codes.document_frequency(numbers).tolist()
    if holders > 1 or (domain != record_domain and others > 0):
        return 0.0
    return found


def _are_alike_labels(domain: str, other: str) -> bool:
    label, other_label = (text.partition(".")[0] for text in (domain, other))
    return (
        min(len(label), len(other_label)) >= MIN_LABEL_LENGTH
        and OSA.normalized_similarity(label, other_label) >= MIN_LABEL_SIMILARITY
    )


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _has_whole_email(context: ComparisonContext) -> BoolArray:
    """Return which records have an email that is not misspelt."""
    record_codes = context.identifier_table[:, EMAILS]
    words = context.index.codes.words
    has_email = [any(n >= 0 and is_email(words[n]) for n in row) for row in record_codes.tolist()]
    return np.array(has_email, np.bool_)


def _phones(context: ComparisonContext) -> Features:
    contact = context.contact.phones
    if not contact:
        return {}
    record_codes = context.identifier_table[:, PHONES]
    columns = _codes(context, "phone", contact, PHONES)
    other = columns["phone_other"] > 0
    near = _one_digit_off(context, contact, record_codes, other)
    columns["phone_near"] = (near * context.log_total).astype(np.float64)
    columns["phone_other"] = (other & ~near).astype(np.float64)
    return columns


def _one_digit_off(
    context: ComparisonContext, contact: tuple[str, ...], record_codes: Ints, among: BoolArray
) -> BoolArray:
    """Return where a phone differs from one of the contact's by one digit."""
    near = np.zeros(len(record_codes), np.bool_)
    for column in range(record_codes.shape[1]):
        of = among & (record_codes[:, column] >= 0)
        for phone in contact if of.any() else ():
            alike = context.code_similarity(phone, record_codes[:, column], of)
            near |= alike * len(phone) >= len(phone) - MAX_EDIT
    return near


def _kinds(context: ComparisonContext) -> Features:
    if not context.contact.kind:
        return {}
    contact_kind = 1 if context.contact.kind == "customer" else 2
    kinds = context.index.kinds[context.rows]
    return {"kind_other": ((kinds > 0) & (kinds != contact_kind)).astype(np.float64)}


def _retired(context: ComparisonContext) -> Features:
    """Return whether the record is retired; 0 if the contact is too."""
    if context.contact.retired:
        return {}
    return {"retired_record": context.index.retired(context.rows).astype(np.float64)}
