"""A record's normalised details, read back from the columns of the index."""

from dataclasses import dataclass

from crmlink.kinds import KINDS, Kind
from crmlink.matching.columns import FLAG_BITS
from crmlink.matching.index import (
    ACCOUNT,
    DOMAINS,
    EMAILS,
    OUTWARDS,
    PHONES,
    POSTCODES,
    REPEATED,
    RETIRED,
    InvertedIndex,
)
from crmlink.matching.normalised import ADDRESS_BIT, MAX_ADDRESSES, SECONDARY, TOWN_FLAG
from crmlink.matching.titles import Gender


@dataclass(frozen=True, slots=True)
class IndexedAddress:
    """One address of a record."""

    street: list[str]
    town: list[str]
    postcode: str
    outward: str
    is_postal: bool


@dataclass(frozen=True, slots=True)
class IndexedRecord:
    """Normalised words and codes of one record; `counts` is how many have each email and phone."""

    kind: Kind | None
    primary_name: list[str]
    secondary_name: list[str]
    addresses: list[IndexedAddress]
    emails: list[str]
    domains: list[str]
    account: str
    phones: list[str]
    counts: dict[str, int]
    retired: bool
    title: Gender


def indexed_record(index: InvertedIndex, row: int) -> IndexedRecord:
    """Return the record of a row."""
    flags = (1 << FLAG_BITS) - 1
    names = [
        (index.names.words[v >> FLAG_BITS], v & flags) for v in index.name_lists.of(row).tolist()
    ]
    numbers = index.identifier_table[row].tolist()
    texts = index.codes.words
    words = [texts[number][2:] if number >= 0 else "" for number in numbers]
    shared = [n for part in (EMAILS, PHONES) for n in numbers[part] if n >= 0]
    kind, marks = int(index.kinds[row]), index.marks(row)
    return IndexedRecord(
        kind=KINDS[kind - 1] if kind else None,
        primary_name=[word for word, flag in names if not flag & SECONDARY],
        secondary_name=[word for word, flag in names if flag & SECONDARY],
        addresses=_addresses(index, row, numbers, marks),
        emails=[email for email in words[EMAILS] if email],
        domains=[domain for domain in words[DOMAINS] if domain],
        account=words[ACCOUNT][0],
        phones=[phone for phone in words[PHONES] if phone],
        counts={texts[number][2:]: index.codes.holders(number) for number in shared},
        retired=bool(marks & RETIRED),
        title=index.title(row),
    )


def _addresses(
    index: InvertedIndex, row: int, numbers: list[int], marks: int
) -> list[IndexedAddress]:
    codes = [
        [index.codes.words[n][2:] if n >= 0 else "" for n in _first_meant(numbers[part])]
        for part in (POSTCODES, OUTWARDS)
    ]
    result = [
        IndexedAddress([], [], postcode, outward, bool(marks >> number & 1))
        for number, (postcode, outward) in enumerate(zip(*codes, strict=True))
    ]
    for value in index.address_lists.of(row).tolist():
        address = result[value >> ADDRESS_BIT & (MAX_ADDRESSES - 1)]
        words = address.town if value & TOWN_FLAG else address.street
        words.append(index.addresses.words[value >> FLAG_BITS])
    return [address for address in result if address.street or address.town or address.postcode]


def _first_meant(numbers: list[int]) -> list[int]:
    """Return codes with those that repeat an earlier column's in full."""
    return [numbers[REPEATED - number] if number <= REPEATED else number for number in numbers]
