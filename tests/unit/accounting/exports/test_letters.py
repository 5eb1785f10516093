# ruff: noqa: RUF001 - names as people write them
"""The letters of 8-bit files: told apart by their words, and doubted in a reference."""

import pytest

from crmlink.accounting.exports.letters import is_doubtful
from crmlink.accounting.exports.reader import rejected_row_text
from unit.accounting.exports.export_files import bad, contacts, look, read

MAC_HEAD = "!HDR\tPROD\tVER\r!HDR\tQuickBooks Pro 6.0 for Macintosh\tVersion 6.0\r"
NAMES = (
    "Mary’s Café", "O’Neill & Søns", "Siân Évêque", "Müller Heizung", "Façade Ltd", "Peña Bros",
    "Jürgen Groß", "Zoë Brontë", "Le Pâtissier d’Été", "“Ye Olde” Café", "Smörgåsbord Ltd",
)  # fmt: skip


def iif(*names: str, head: str = "", end: str = "\r\n") -> str:
    rows = [f"CUST\t{name}\t{name}\t0113 496 0101" for name in names]
    return head + end.join(["!CUST\tNAME\tBADDR1\tPHONE1", *rows, ""])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("encoding", "head", "end"),
    [
        ("mac_roman", MAC_HEAD, "\r"),
        ("mac_roman", "", "\r"),
        ("cp1252", "", "\r\n"),
        ("utf-8", "", "\r\n"),
        ("utf-16", "", "\n"),
    ],
)
def test_a_name_is_read_as_it_was_written(encoding: str, name: str, head: str, end: str) -> None:
    content = iif(name, "Plain Ltd", head=head, end=end).encode(encoding)
    (first, _) = contacts(read(content, "list.iif"))
    assert (first.reference, first.name) == (name, name)


@pytest.mark.parametrize("name", ["Siân Évêque", "Müller Heizung", "Façade Ltd", "Jürgen Groß"])
def test_the_letters_of_dos_are_told_too(name: str) -> None:
    found = look(iif(name, "Café Zoë", "Peña Bros").encode("cp850"), "list.iif")
    assert found.encoding == "cp850"
    (first, *_) = contacts(read(iif(name, "Café Zoë", "Peña Bros").encode("cp850"), "list.iif"))
    assert first.name == name


def test_old_macs_are_told_by_their_words_alone() -> None:
    found = look(iif("Mary’s Café", "Plain Ltd").encode("mac_roman"), "list.iif")
    assert (found.encoding, found.letters_certain) == ("mac_roman", True)


@pytest.mark.parametrize(
    "reference",
    ["MaryÕs CafŽ", "CafÃ© Zoe", "Oâ€™Neill", "PeÃ±a Bros", "M¼ller", "CAFé LTD", "SmšrgŒsbord"],
)
def test_an_exact_reference_with_doubtful_letters_is_a_bad_row(reference: str) -> None:
    rows = read(iif(reference, "Bob Plain"), "list.iif")
    assert bad(rows) == [(2, "letters_doubtful")]
    assert "Windows or Mac" in rejected_row_text(next(row for row in rows if row.line == 2))  # type: ignore[arg-type]
    assert [row.reference for row in contacts(rows)] == ["Bob Plain"]


def test_letters_that_a_person_said_wrongly_are_never_written() -> None:
    content = iif("Mary’s Café", "Bob Plain").encode("mac_roman")
    assert bad(read(content, "list.iif", encoding="cp1252")) == [(2, "letters_doubtful")]
    (first, _) = contacts(read(content, "list.iif", encoding="mac_roman"))
    assert first.reference == "Mary’s Café"


def test_letters_that_fit_two_readings_are_a_doubt_until_a_person_says() -> None:
    content = iif("Bob \x80", "Ann").encode("latin-1")  # € of Windows, Ä of old Macs
    assert not look(content, "list.iif").letters_certain
    assert bad(read(content, "list.iif")) == [(2, "letters_doubtful")]
    (first, _) = contacts(read(content, "list.iif", encoding="cp1252"))
    assert first.reference == "Bob €"


def test_a_doubtful_name_that_is_no_reference_is_kept() -> None:
    (row,) = contacts(read("Name,Phone\nMaryÕs CafŽ,0113 496 0101\n"))
    assert row.name == "MaryÕs CafŽ"


@pytest.mark.parametrize(
    "name", [*NAMES, "CAFÉ LTD", "Æthel & Co", "Łódź Ltd", "Straße 5", "100% Café®"]
)
def test_a_name_as_people_write_it_is_not_doubted(name: str) -> None:
    assert not is_doubtful(name)
