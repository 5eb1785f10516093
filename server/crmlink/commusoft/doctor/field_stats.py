"""Statistics of a list of records: its shape, filled fields, paths of references."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from crmlink.commusoft.parsing import (
    REFERENCE_SPELLINGS,
    SPELLINGS,
    iter_records,
    list_prefix,
    parse_record,
    reference_path,
    spelling_of,
    value_at,
)
from crmlink.commusoft.records import Record
from crmlink.kinds import Kind

# Names that a field for the reference might have, where no known spelling is there.
_SUSPICIOUS = re.compile(r"ref|third|extern|sage|xero|quick.?book|free.?agent|kashflow", re.I)
_W_NAMES = ("surname", "emailaddress", "addressline1", "telephonenumber", "customer_name")
_P_NAMES = ("firstName", "lastName", "companyName", "accountingSettings", "contactName")
_KNOWN = {spelling for spellings in SPELLINGS.values() for spelling in spellings}


@dataclass
class Survey:
    """Counts for one kind's list; contains one record to read alone, and no other data.

    `filled` counts (field, spelling) pairs, `references` the paths of references, `shown` the known
    paths that exist, `suspects` filled fields that might be one.
    """

    kind: Kind
    place: str = ""
    count: int = 0
    deleted: int = 0
    filled: Counter[tuple[str, str]] = field(default_factory=Counter)
    references: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    suspects: Counter[str] = field(default_factory=Counter)
    styles: Counter[str] = field(default_factory=Counter)
    sample: Record | None = None

    @property
    def style(self) -> str | None:
        """Shape of the fields' names, "W" or "P"; None if unclear."""
        return self.styles.most_common(1)[0][0] if self.styles else None


def survey_list(kind: Kind, body: IO[bytes], reference: str) -> Survey:
    """Return the statistics of a whole list. Raises `InvalidCommusoftResponse`."""
    survey = Survey(kind, place=list_prefix(kind, body).removesuffix("item").rstrip("."))
    for raw in iter_records(kind, body):
        _count(survey, parse_record(kind, raw, reference), reference)
    return survey


def _count(survey: Survey, record: Record, reference: str) -> None:
    raw = record.raw
    survey.count += 1
    survey.deleted += record.deleted
    for name in SPELLINGS:
        if spelling := spelling_of(raw, name):
            survey.filled[name, spelling] += 1
    for style, names in (("W", _W_NAMES), ("P", _P_NAMES)):
        survey.styles[style] += sum(name in raw for name in names)
    if place := reference_path(raw, reference):
        survey.shown[place] += 1
        if record.reference is not None:
            survey.references[place] += 1
    survey.suspects.update(suspects(raw))
    if not record.deleted and (survey.sample is None or _tells_more(record, survey.sample)):
        survey.sample = record


def _tells_more(record: Record, sample: Record) -> bool:
    return record.reference is not None and sample.reference is None


def suspects(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield filled fields whose name suggests a reference, without known spellings."""
    known = {*REFERENCE_SPELLINGS, *_KNOWN}
    for path, value in leaves(raw):
        if value and path not in known and _SUSPICIOUS.search(path):
            yield path


def leaves(raw: Mapping[str, Any], above: str = "", depth: int = 4) -> Iterator[tuple[str, Any]]:
    """Yield the dotted paths and values of nested objects; a list is one value."""
    for name, value in raw.items():
        path = f"{above}.{name}" if above else str(name)
        if isinstance(value, Mapping) and depth > 1:
            yield from leaves(value, path, depth - 1)
        else:
            yield path, value


def places_of(raw: Mapping[str, Any], reference: str) -> list[str]:
    """Return the paths at which a record has exactly this text."""
    return [path for path, _ in leaves(raw) if value_at(raw, path) == reference]
