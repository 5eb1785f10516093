"""Reasons for a suggestion: agreements and differences as codes with arguments."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA

from crmlink.matching import normalise
from crmlink.matching.details import Reason
from crmlink.matching.features.similarity import has_letters_of
from crmlink.matching.indexed_record import IndexedAddress, IndexedRecord
from crmlink.matching.normalised import TOWN_FLAG, NormalisedAddress, NormalisedDetails, is_email
from crmlink.matching.titles import are_man_and_woman
from crmlink.values import postcodes

_LONG = {short: long for long, short in reversed(normalise.ADDRESS_WORDS.items())}
_LONG["st"] = "st"  # street or saint
MIN_SPELLING_SIMILARITY = 0.6  # similarity from which two words count as spellings of one


def reasons(contact: NormalisedDetails, record: IndexedRecord) -> list[Reason]:
    """Return what agrees and what differs, strongest evidence first."""
    return [
        *_account(contact, record),
        *_email(contact, record),
        *_phone(contact, record),
        *_names(contact, record),
        *_title(contact, record),
        *_addresses(contact, record),
        *_kind(contact, record),
    ]


def _agrees(code: str, **args: str) -> Reason:
    return Reason(code, args, True) if args else _without_args(code, True)


def _differs(code: str, **args: str) -> Reason:
    return Reason(code, args, False) if args else _without_args(code, False)


@lru_cache(maxsize=256)
def _without_args(code: str, agrees: bool) -> Reason:
    """Return a shared object: whole lists contain many of these."""
    return Reason(code, {}, agrees)


def _account(contact: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if contact.account and record.account:
        same = contact.account == record.account
        yield _agrees("same_account_number") if same else _differs("other_account_number")


def _email(contact: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if not contact.emails or not record.emails:
        return
    shared = [email for email in contact.emails if email in record.emails]
    if shared:
        count = min(record.counts[email] for email in shared)
        yield _agrees("shared_email", count=str(count)) if count > 1 else _agrees("same_email")
        return
    pairs = [
        (contact_email, record_email)
        for contact_email in contact.emails
        for record_email in record.emails
    ]
    contact_email, record_email = max(pairs, key=lambda pair: OSA.normalized_similarity(*pair))
    domains = [domain for domain in contact.domains if domain in record.domains]
    if OSA.normalized_similarity(contact_email, record_email) >= 0.85:
        yield _agrees("similar_email", contact=contact_email, record=record_email)
    elif domains:
        yield _agrees("same_email_domain", domain=domains[0])
    elif any(map(is_email, contact.emails)) and any(map(is_email, record.emails)):
        yield _differs("other_email")


def _phone(contact: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if not contact.phones or not record.phones:
        return
    shared = [phone for phone in contact.phones if phone in record.phones]
    if shared:
        count = min(record.counts[phone] for phone in shared)
        yield _agrees("shared_phone", count=str(count)) if count > 1 else _agrees("same_phone")
    elif any(OSA.distance(a, b) == 1 for a in contact.phones for b in record.phones):
        yield _agrees("similar_phone")
    else:
        yield _differs("other_phone")


def _addresses(contact: NormalisedDetails, record: IndexedRecord) -> list[Reason]:
    """Return the reasons of the best pair of addresses, or of the first pair."""
    pairs = [
        list(_place(contact_address, record_address))
        for contact_address in contact.addresses
        for record_address in record.addresses
    ]
    return max(pairs, key=_balance, default=[])


def _balance(reasons_: list[Reason]) -> int:
    return sum(1 if reason.agrees else -1 for reason in reasons_)


def _place(contact_address: NormalisedAddress, record_address: IndexedAddress) -> Iterator[Reason]:
    is_postal = contact_address.is_postal or record_address.is_postal
    for reason in (
        *_postcode(contact_address, record_address),
        *_address(contact_address, record_address),
        *_town(contact_address, record_address),
    ):
        if reason.agrees or not is_postal:
            yield reason


def _postcode(address: NormalisedAddress, record: IndexedAddress) -> Iterator[Reason]:
    contact_code, record_code = address.postcode, record.postcode
    if not contact_code or not record_code:
        return
    if contact_code == record_code:
        yield _agrees("same_postcode")
    elif OSA.distance(contact_code, record_code) == 1 and contact_code != address.outward:
        yield _agrees(
            "similar_postcode",
            contact=postcodes.spaced(contact_code),
            record=postcodes.spaced(record_code),
        )
    elif address.outward and address.outward == record.outward:
        yield _agrees("same_outward_postcode", outward=address.outward)
    else:
        yield _differs(
            "other_postcode",
            contact=postcodes.spaced(contact_code),
            record=postcodes.spaced(record_code),
        )


def _names(contact: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    contact_names = [
        words for words in (_plain(contact.primary_name), _plain(contact.secondary_name)) if words
    ]
    record_names = [words for words in (record.primary_name, record.secondary_name) if words]
    pairs = [(len(set(a) ^ set(b)), a, b) for a in contact_names for b in record_names]
    pairs.sort(key=lambda pair: (-_similarity(pair[1], pair[2]), pair[0]))
    if pairs:
        yield from _name(pairs[0][1], pairs[0][2])


def _plain(words: tuple[tuple[str, int], ...]) -> list[str]:
    return [word for word, _ in words]


def _similarity(contact_words: list[str], record_words: list[str]) -> float:
    shared = len(set(contact_words) & set(record_words)) / max(
        1, min(len(contact_words), len(record_words))
    )
    spelling = OSA.normalized_similarity(
        " ".join(sorted(contact_words)), " ".join(sorted(record_words))
    )
    return shared + float(spelling)


def _name(contact_words: list[str], record_words: list[str]) -> Iterator[Reason]:
    if set(contact_words) == set(record_words) or "".join(contact_words) == "".join(record_words):
        yield _agrees("same_name")
        return
    left, right = (
        [w for w in contact_words if w not in record_words],
        [w for w in record_words if w not in contact_words],
    )
    shared = [word for word in contact_words if word in record_words]
    partners = list(_partners(left, right))
    if not shared and not partners:
        yield _differs("other_name")
        return
    yield from partners
    if shared and not partners:
        yield _agrees("name_in_part", shared=_capitalised(shared))
    if left:
        yield _differs("name_more_contact", words=_capitalised(left))
    if right:
        yield _differs("name_more_record", words=_capitalised(right))


def _title(contact: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    words = _plain(contact.secondary_name or contact.primary_name)
    record_words = record.secondary_name or record.primary_name
    if are_man_and_woman(contact.title, words, record.title, record_words):
        yield _differs("other_title")


def _capitalised(words: list[str]) -> str:
    return " ".join(word.title() for word in words)


def _partners(left: list[str], right: list[str]) -> Iterator[Reason]:
    """Yield reasons for words that are spellings of one; removes them from both lists."""
    for word in tuple(left):
        for other in sorted(right, key=lambda w: -OSA.normalized_similarity(word, w)):
            code = _relation(word, other)
            if code:
                left.remove(word)
                right.remove(other)
                yield _agrees(code, contact=word.title(), record=other.title())
                break


def _relation(word: str, other: str) -> str:
    if (len(word) == 1) != (len(other) == 1):
        return "name_initial" if word[0] == other[0] else ""
    if word.isdigit() or other.isdigit() or normalise.are_other_forenames(word, other):
        return ""
    if OSA.distance(word, other) == 1 and max(len(word), len(other)) > 2:
        return "name_one_letter"
    if other in normalise.NICKNAMES.get(word, ()):
        return "name_short_form"
    if OSA.normalized_similarity(word, other) >= MIN_SPELLING_SIMILARITY:
        return "name_spelling"
    return "name_spelling" if has_letters_of(word, other) else ""


def _address(address: NormalisedAddress, record: IndexedAddress) -> Iterator[Reason]:
    contact_words = [word for word, flag in address.words if not flag & TOWN_FLAG]
    if not contact_words or not record.street:
        return
    if len(contact_words) == len(address.words) and set(contact_words) <= {*record.town}:
        yield _agrees("same_town")  # typed where others have the street
        return
    written = dict(address.written)
    shared = [word for word in contact_words if _is_among(word, record.street)]
    if len(shared) == min(len(contact_words), len(record.street)) and any(
        w[0].isdigit() for w in shared
    ):
        yield _agrees("same_address")
        return
    numbers = [word for word in contact_words if word[0].isdigit()]
    others = [word for word in record.street if word[0].isdigit()]
    streets = [word for word in shared if not word[0].isdigit()]
    if streets and numbers and others and not set(numbers) & set(others):
        yield _differs(
            "house_number", contact=_address_text(numbers, written), record=_address_text(others)
        )
    elif len(shared) * 2 >= min(len(contact_words), len(record.street)):
        yield _agrees("address_in_part", shared=_address_text(shared, written))
    elif not streets:
        yield _differs("other_address")


def _is_among(word: str, others: list[str]) -> bool:
    """Return whether the word, or for longer ones a similar one, is among the others."""
    if word in others:
        return True
    return len(word) > 3 and any(OSA.normalized_similarity(word, o) >= 0.75 for o in others)


def _address_text(words: list[str], written: Mapping[str, str] | None = None) -> str:
    """Return the words as the contact wrote them, else in their long form."""
    return _capitalised([(written or {}).get(word) or _LONG.get(word, word) for word in words])


def _town(address: NormalisedAddress, record: IndexedAddress) -> Iterator[Reason]:
    contact_words = [word for word, flag in address.words if flag & TOWN_FLAG]
    record_words = record.town
    if not contact_words or not record_words:
        return
    if set(contact_words) <= {*record_words, *record.street} or set(record_words) <= set(
        contact_words
    ):
        yield _agrees("same_town")
    elif (
        OSA.normalized_similarity(" ".join(contact_words), " ".join(record_words))
        < MIN_SPELLING_SIMILARITY
    ):
        yield _differs(
            "other_town",
            contact=_address_text(contact_words, dict(address.written)),
            record=_address_text(record_words),
        )


def _kind(contact: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if contact.kind and record.kind and contact.kind != record.kind:
        yield _differs("other_kind", kind=record.kind, contact=contact.kind)
