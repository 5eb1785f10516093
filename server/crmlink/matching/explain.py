"""Why a record is offered: agreements and differences as codes with arguments."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA

from crmlink.matching import normalise
from crmlink.matching.details import Reason
from crmlink.matching.indexed_record import HeldPlace, IndexedRecord
from crmlink.matching.normalised import TOWN, NormalisedDetails, Place, is_email
from crmlink.values import postcodes

_LONG = {short: long for long, short in reversed(normalise.ADDRESS_WORDS.items())}
_LONG["st"] = "st"  # a street or a saint
ALIKE = 0.6  # share of letters in place from which two words are one word spelt differently


def reasons(asked: NormalisedDetails, record: IndexedRecord) -> list[Reason]:
    """What agrees and what differs, the strongest evidence first."""
    return [
        *_account(asked, record),
        *_email(asked, record),
        *_phone(asked, record),
        *_names(asked, record),
        *_places(asked, record),
        *_kind(asked, record),
    ]


def _agrees(code: str, **args: str) -> Reason:
    return Reason(code, args, True) if args else _bare(code, True)


def _differs(code: str, **args: str) -> Reason:
    return Reason(code, args, False) if args else _bare(code, False)


@lru_cache(maxsize=256)
def _bare(code: str, agrees: bool) -> Reason:
    """The same object each time: whole lists hold a great many of these."""
    return Reason(code, {}, agrees)


def _account(asked: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if asked.account and record.account:
        same = asked.account == record.account
        yield _agrees("same_account_number") if same else _differs("other_account_number")


def _email(asked: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if not asked.emails or not record.emails:
        return
    shared = [email for email in asked.emails if email in record.emails]
    if shared:
        count = min(record.counts[email] for email in shared)
        yield _agrees("shared_email", count=str(count)) if count > 1 else _agrees("same_email")
        return
    pairs = [(mine, theirs) for mine in asked.emails for theirs in record.emails]
    mine, theirs = max(pairs, key=lambda pair: OSA.normalized_similarity(*pair))
    domains = [domain for domain in asked.domains if domain in record.domains]
    if OSA.normalized_similarity(mine, theirs) >= 0.85:
        yield _agrees("similar_email", contact=mine, record=theirs)
    elif domains:
        yield _agrees("same_email_domain", domain=domains[0])
    elif any(map(is_email, asked.emails)) and any(map(is_email, record.emails)):
        yield _differs("other_email")


def _phone(asked: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if not asked.phones or not record.phones:
        return
    shared = [phone for phone in asked.phones if phone in record.phones]
    if shared:
        count = min(record.counts[phone] for phone in shared)
        yield _agrees("shared_phone", count=str(count)) if count > 1 else _agrees("same_phone")
    elif any(OSA.distance(a, b) == 1 for a in asked.phones for b in record.phones):
        yield _agrees("similar_phone")
    else:
        yield _differs("other_phone")


def _places(asked: NormalisedDetails, record: IndexedRecord) -> list[Reason]:
    """The reasons of the two addresses that fit best; the first two where none fits."""
    pairs = [list(_place(mine, theirs)) for mine in asked.places for theirs in record.places]
    return max(pairs, key=_balance, default=[])


def _balance(reasons_: list[Reason]) -> int:
    return sum(1 if reason.agrees else -1 for reason in reasons_)


def _place(mine: Place, theirs: HeldPlace) -> Iterator[Reason]:
    silent = mine.is_postal or theirs.is_postal
    for reason in (*_postcode(mine, theirs), *_address(mine, theirs), *_town(mine, theirs)):
        if reason.agrees or not silent:
            yield reason


def _postcode(place: Place, record: HeldPlace) -> Iterator[Reason]:
    mine, theirs = place.postcode, record.postcode
    if not mine or not theirs:
        return
    if mine == theirs:
        yield _agrees("same_postcode")
    elif OSA.distance(mine, theirs) == 1 and mine != place.outward:
        yield _agrees(
            "similar_postcode", contact=postcodes.spaced(mine), record=postcodes.spaced(theirs)
        )
    elif place.outward and place.outward == record.outward:
        yield _agrees("same_outward_postcode", outward=place.outward)
    else:
        yield _differs(
            "other_postcode", contact=postcodes.spaced(mine), record=postcodes.spaced(theirs)
        )


def _names(asked: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    mine = [words for words in (_plain(asked.label), _plain(asked.other)) if words]
    theirs = [words for words in (record.label, record.other) if words]
    pairs = [(len(set(a) ^ set(b)), a, b) for a in mine for b in theirs]
    pairs.sort(key=lambda pair: (-_likeness(pair[1], pair[2]), pair[0]))
    if pairs:
        yield from _name(pairs[0][1], pairs[0][2])


def _plain(words: tuple[tuple[str, int], ...]) -> list[str]:
    return [word for word, _ in words]


def _likeness(mine: list[str], theirs: list[str]) -> float:
    shared = len(set(mine) & set(theirs)) / max(1, min(len(mine), len(theirs)))
    spelling = OSA.normalized_similarity(" ".join(sorted(mine)), " ".join(sorted(theirs)))
    return shared + float(spelling)


def _name(mine: list[str], theirs: list[str]) -> Iterator[Reason]:
    if set(mine) == set(theirs) or "".join(mine) == "".join(theirs):
        yield _agrees("same_name")
        return
    left, right = [w for w in mine if w not in theirs], [w for w in theirs if w not in mine]
    shared = [word for word in mine if word in theirs]
    partners = list(_partners(left, right))
    if not shared and not partners:
        yield _differs("other_name")
        return
    yield from partners
    if shared and not partners:
        yield _agrees("name_in_part", shared=_shown(shared))
    if left:
        yield _differs("name_more_contact", words=_shown(left))
    if right:
        yield _differs("name_more_record", words=_shown(right))


def _shown(words: list[str]) -> str:
    return " ".join(word.title() for word in words)


def _partners(left: list[str], right: list[str]) -> Iterator[Reason]:
    """Pairs of words that are one word written differently; takes them out of both lists."""
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
    if word.isdigit() or other.isdigit():
        return ""
    if OSA.distance(word, other) == 1 and max(len(word), len(other)) > 2:
        return "name_one_letter"
    if other in normalise.NICKNAMES.get(word, ()):
        return "name_short_form"
    return "name_spelling" if OSA.normalized_similarity(word, other) >= ALIKE else ""


def _address(place: Place, record: HeldPlace) -> Iterator[Reason]:
    mine = [word for word, flag in place.words if not flag & TOWN]
    if not mine or not record.street:
        return
    written = dict(place.written)
    shared = [word for word in mine if _among(word, record.street)]
    if len(shared) == min(len(mine), len(record.street)) and any(w[0].isdigit() for w in shared):
        yield _agrees("same_address")
        return
    numbers = [word for word in mine if word[0].isdigit()]
    others = [word for word in record.street if word[0].isdigit()]
    streets = [word for word in shared if not word[0].isdigit()]
    if streets and numbers and others and not set(numbers) & set(others):
        yield _differs(
            "house_number", contact=_shown_place(numbers, written), record=_shown_place(others)
        )
    elif len(shared) * 2 >= min(len(mine), len(record.street)):
        yield _agrees("address_in_part", shared=_shown_place(shared, written))
    elif not streets:
        yield _differs("other_address")


def _among(word: str, others: list[str]) -> bool:
    """Whether the word, or for longer ones one spelt much like it, is among the others."""
    if word in others:
        return True
    return len(word) > 3 and any(OSA.normalized_similarity(word, o) >= 0.75 for o in others)


def _shown_place(words: list[str], written: Mapping[str, str] | None = None) -> str:
    """The words as the contact wrote them, else in their long form."""
    return _shown([(written or {}).get(word) or _LONG.get(word, word) for word in words])


def _town(place: Place, record: HeldPlace) -> Iterator[Reason]:
    mine = [word for word, flag in place.words if flag & TOWN]
    theirs = record.town
    if not mine or not theirs:
        return
    if set(mine) <= {*theirs, *record.street} or set(theirs) <= set(mine):
        yield _agrees("same_town")
    elif OSA.normalized_similarity(" ".join(mine), " ".join(theirs)) < ALIKE:
        yield _differs(
            "other_town",
            contact=_shown_place(mine, dict(place.written)),
            record=_shown_place(theirs),
        )


def _kind(asked: NormalisedDetails, record: IndexedRecord) -> Iterator[Reason]:
    if asked.kind and record.kind and asked.kind != record.kind:
        yield _differs("other_kind", kind=record.kind, contact=asked.kind)
