"""Long values of hostile shape: reading them must end, as no clerk could stop it.

Before they were bounded, one name of 1,500 spaces took 17 s of a core.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from crmlink.accounting.exports.around_table import _SECTION
from crmlink.linking.records.fields import SELECTOR
from crmlink.matching.normalised import normalised_details
from crmlink.values import ContactDetails, names, read_address, read_emails, read_name, read_phones
from crmlink.values.addresses import Address
from crmlink.values.emails import MAX_EMAILS, MAX_LENGTH

UNITS = (
    " ", "\t", "\u00a0", "a", "0", "1 ", "-", " - ", ".", "a.", "a@", ", ", "/", "((", "<a", "&",
    "a b ", "+4", "\n ", "\ufdfa", "c /", "(old", "[dnu ", "SW1A 1AA ", "1 a road ", "po box ",
)  # fmt: skip
ENDS = ("!", "x", "\n1", "@a.com")
LENGTH = 30_000
HANGS = 120  # seconds; all of a test's texts together take some three


def _all_fields(text: str) -> object:
    details = ContactDetails(
        name=text, company=text, person=text, address=text, town=text, postcode=text, email=text,
        phones=(text,), account_number=text, other_emails=(text,),
        other_addresses=(Address(text, text, text),),
    )  # fmt: skip
    return normalised_details(details, "GB")


READERS: dict[str, Callable[[str], object]] = {
    "a name": read_name,
    "a company": lambda text: read_name(f"{text} Ltd"),
    "emails": read_emails,
    "phones": read_phones,
    "an address": lambda text: read_address((text,), text, text, text),
    "a contact": _all_fields,
    "a section": _SECTION.fullmatch,
    "a selector": lambda text: SELECTOR.fullmatch(text[:300]),
}


@pytest.fixture
def _must_end() -> Iterator[None]:
    def hang(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail(f"did not end within {HANGS} seconds")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(HANGS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("_must_end")
@pytest.mark.parametrize("reader", READERS)
def test_a_long_value_of_any_shape_is_read(reader: str) -> None:
    for unit in UNITS:
        for end in ENDS:
            READERS[reader](unit * (LENGTH // len(unit)) + end)


def test_a_name_padded_with_spaces_is_read_like_any_other() -> None:
    padded = read_name(f"Margaret Holloway{' ' * 1_500}(DO NOT USE)")
    assert (padded.name, padded.retired) == ("Margaret Holloway", True)


def test_numbers_padded_with_spaces_are_read() -> None:
    text = f"01632 960114{' ' * 900}\n01632 960115"
    assert [number.e164 for number in read_phones(text).numbers] == [
        "+441632960114",
        "+441632960115",
    ]


def test_a_text_too_long_for_a_name_is_a_name_as_a_whole() -> None:
    text = "Holloway and Daughter " * 40 + "(DO NOT USE)"
    assert read_name(text).name == text


def test_a_text_too_long_for_an_address_stays_in_its_fields() -> None:
    street = "12 Mill Lane, " * 100
    address = read_address((street, "Leeds LS1 4AP"), "", "")
    assert address.lines == (street.strip(), "Leeds LS1 4AP")
    assert address.postcode == ""


def test_a_text_too_long_for_emails_is_never_cut_inside_one() -> None:
    email = "jo@firm.example.com"
    most = MAX_EMAILS * MAX_LENGTH
    for seen in range(1, len(email) + 1):
        text = f"{'x' * (most - seen - 1)} {email} {'x' * seen}"
        assert read_emails(text).emails == ((email,) if seen == len(email) else ())


def test_emails_without_spaces_between_them_are_read_from_a_text_that_is_too_long() -> None:
    text = ";".join(f"{name}@firm.example" for name in range(1_000))
    assert len(read_emails(text).emails) == MAX_EMAILS


@pytest.mark.parametrize("mark", ["{} DO NOT USE", "DO NOT USE {}", "{} (closed)"])
def test_a_mark_at_either_end_of_a_long_name_is_seen(mark: str) -> None:
    words = "Holloway and Daughters Heating " * 40
    text = mark.format(words.strip())
    assert len(text) > names.MAX_LENGTH
    assert (read_name(text).name, read_name(text).retired) == (text, True)
    assert not read_name(words.strip()).retired


def test_a_mark_that_counts_at_an_end_is_none_where_a_long_name_is_cut() -> None:
    size, words = names.MAX_LENGTH - len(" CLOSED"), "Ann " * names.MAX_LENGTH
    head, tail = words.strip()[-size:], words[:size]
    assert read_name("Ann CLOSED").retired
    assert not read_name(f"{head} CLOSED Holloway and {tail}").retired
    assert not read_name(f"{head} and Holloway CLOSED {tail}").retired
