"""The emails in a field, as people fill it."""

import pytest

from crmlink.values import read_emails

TWO = ("john@letterbox.example", "jane@letterbox.example")


@pytest.mark.parametrize(
    "text",
    [
        "john@letterbox.example; jane@letterbox.example",
        "john@letterbox.example,jane@letterbox.example",
        "john@letterbox.example / jane@letterbox.example",
        "john@letterbox.example/jane@letterbox.example",
        "john@letterbox.example jane@letterbox.example",
        "john@letterbox.example\njane@letterbox.example",
        "john@letterbox.example or jane@letterbox.example",
        "john@letterbox.example:jane@letterbox.example",
        "john@letterbox.example*jane@letterbox.example",
        "john@letterbox.example#mailto:jane@letterbox.example#",
        "John <john@letterbox.example>, mailto:jane@letterbox.example",
        "john@letterbox.example (home) jane@letterbox.example (work)",
        "Email: john@letterbox.example | jane@letterbox.example.",
        "john (at) letterbox.example; jane@letterbox.example",
    ],
)
def test_two_emails_in_one_field_are_two(text: str) -> None:
    assert read_emails(text).emails == TWO


def test_an_email_stays_as_it_is_written_and_stands_once() -> None:
    assert read_emails("John@Acme.example; john@acme.EXAMPLE").emails == ("John@Acme.example",)


@pytest.mark.parametrize(
    "text", ["", "n/a", "none", "-", "TBC", "none@none.com", "noemail@noemail.com", "ask Jane"]
)
def test_what_stands_for_nothing_is_no_email(text: str) -> None:
    assert read_emails(text).emails == read_emails(text).misspelt == ()


@pytest.mark.parametrize("text", ["john82letterbox.example", "jo@hn@letterbox.example"])
def test_what_was_meant_for_an_email_is_kept_apart(text: str) -> None:
    assert read_emails(text).emails == ()
    assert read_emails(text).misspelt == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "Accounts: ann@acme.example",
        "ann@acme.example - DO NOT USE",
        "ann@acme.example or ring",
        "ann@acme.example.",
        "mailto:ann@acme.example?subject=Invoice",
        "ann@acme.example (after 6pm)",
        "e-mail ann@acme.example please",
    ],
)
def test_words_around_an_email_are_no_other_email(text: str) -> None:
    read = read_emails(text)
    assert (read.emails, read.misspelt) == (("ann@acme.example",), ())


@pytest.mark.parametrize("text", ["an n@acme.example", "ann@acme.co .uk", "ann@acme. example"])
def test_a_space_inside_an_email_is_a_slip(text: str) -> None:
    read = read_emails(text)
    assert text.replace(" ", "") in (*read.emails, *read.misspelt)
