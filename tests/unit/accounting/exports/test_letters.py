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


@pytest.mark.parametrize(
    "reference",
    ["Caf? Rouge", "O?Neill", "?ngela", "Smith &amp; Sons", "O&#39;Neill", "Ann\u00a0Field"],
)
def test_letters_that_a_program_replaced_are_never_written(reference: str) -> None:
    rows = read(f"!CUST\tNAME\nCUST\t{reference}\nCUST\tBob & Sons\n", "list.iif")
    assert bad(rows) == [(2, "letters_doubtful")]
    assert [row.reference for row in contacts(rows)] == ["Bob & Sons"]


@pytest.mark.parametrize("reference", ["A&amp;B", "CAF?01"])
def test_nor_in_an_account_of_sage(reference: str) -> None:
    rows = read(f"A/C,Name,Address Line 1\n{reference},Ann,1 Road\n")
    assert bad(rows) == [(2, "letters_doubtful")]


def test_an_encoded_sign_in_a_name_is_that_sign() -> None:
    (row,) = contacts(read("Name,Email\nO&#39;Neill &amp; Sons,a@a.example\n"))
    assert row.name == "O'Neill & Sons"


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


WELSH = ("Llŷr Jones", "Siân Gŵyr", "Dŷ Hafod Cyf", "LLŶR JONES", "Tŵr y Môr")


@pytest.mark.parametrize("name", WELSH)
@pytest.mark.parametrize("encoding", ["iso8859_14", "utf-8", "utf-8-sig", "utf-16"])
def test_welsh_letters_are_read_as_they_were_written(encoding: str, name: str) -> None:
    (first, _) = contacts(read(iif(name, "Plain Ltd").encode(encoding), "list.iif"))
    assert (first.reference, first.name) == (name, name)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Acme\xa0Ltd", "cp1252"),
        ("Acme\xa0Ltd", "mac_roman"),
        ("Acme €50 – discount", "cp1252"),
        ("Seán Ó Sé\nMáire Ní Bhriain\nPádraig Ó hÉigeartaigh", "mac_roman"),
        ("Seán Ó Sé\nMáire Ní Bhriain\nPádraig Ó hÉigeartaigh", "cp1252"),
    ],
)
def test_the_letters_of_names_and_prices_are_told(text: str, encoding: str) -> None:
    content = f"Name,Phone\n{text.replace(chr(10), ',' + chr(10))},\n".encode(encoding)
    names = [row.name for row in contacts(read(content))]
    assert names == [line.replace("\xa0", " ") for line in text.split("\n")]


@pytest.mark.parametrize("name", ["CAFÉ ROUGE", "O’NEILL", "Mary’s", "O’Neill", "24° Ltd"])
def test_a_macs_line_ends_alone_make_no_letter_certain(name: str) -> None:
    content = iif(name, "Plain Ltd", end="\r").encode("cp1252")
    found = contacts(read(content, "list.iif"))
    assert [row.reference for row in found if not row.reference.isascii()] in ([], [name])


def test_letters_of_an_encoding_that_is_not_known_are_not_certain() -> None:
    content = iif("Łukasz Wiśniewski", "Grażyna Świątek").encode("cp1250")
    assert not look(content, "list.iif").letters_certain


@pytest.mark.parametrize(
    ("reference", "doubtful"),
    [
        ("TÅµr", True), ("Acmeâ„¢", True), ("Caf√© Rouge", True), ("Acme Â£10", True),
        ("Ó hÉigeartaigh", False), ("NicÌomhair", False), ("McÉwan & Co", False),
    ],
)  # fmt: skip
def test_letters_encoded_twice_are_doubted_and_gaelic_capitals_are_not(
    reference: str, doubtful: bool
) -> None:
    assert is_doubtful(reference) is doubtful


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CafÃ© Rouge", "Café Rouge"),
        ("CafÃƒÂ© Rouge", "Café Rouge"),
        ("Caf√© Rouge", "Café Rouge"),
        ("Maryâ€™s CafÃ© – Leeds", "Mary’s Café – Leeds"),
        ("TÅµr LlÅ·r", "Tŵr Llŷr"),
        ("Ã‰amonn Ã“ SÃ©", "Éamonn Ó Sé"),
        ("CAFÉ’S", "CAFÉ’S"),
        ("Åsa Ãberg", "Åsa Ãberg"),
    ],
)
def test_letters_that_were_encoded_twice_are_put_right_in_names(text: str, name: str) -> None:
    (row,) = contacts(read(f"Name,Phone\n{text},0113 496 0101\n"))
    assert row.name == name


@pytest.mark.parametrize("word", ["é" * 300_000, "éA" * 100_000, "a" * 300_000 + "é"])
def test_a_word_of_any_length_is_judged_in_pieces(word: str) -> None:
    # letter by letter of the whole word it would take hours
    content = f"Name,Phone\nAnn Field,0113 496 0101\n{word},\n".encode("cp1252")
    (name, *_) = [row.name for row in contacts(read(content))]
    assert name == "Ann Field"


def test_a_reference_of_any_length_is_doubted_in_time() -> None:
    assert not is_doubtful("é" * 100_000)


def test_letters_in_a_long_word_are_no_more_certain_than_in_short_ones() -> None:
    content = f"Name,Phone\n{'Bob' * 40} {'x' * 40}\x80,\n".encode("latin-1")
    assert not look(content).letters_certain
