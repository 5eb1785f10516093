"""XML from outside: no document type in any encoding, bounded, and read exactly."""

from __future__ import annotations

import pytest

from crmlink.strict_xml import MAX_DEPTH, MAX_ELEMENTS, UNREADABLE, NotXML, read_xml

LOST = UNREADABLE
BOMB = (
    '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {chr(98 + n)} "{"&" + chr(97 + n) + ";"}{"&" + chr(97 + n) + ";"}">'
        for n in range(20)
    )
    + "]><b>&u;</b>"
)
OUTSIDE = '<!DOCTYPE b [<!ENTITY x SYSTEM "file:///etc/passwd">]><b>&x;</b>'


def test_text_and_names_are_read_exactly() -> None:
    root = read_xml('<a xmlns="urn:x" k="1 &amp; 2"><b> Smith &amp; Son  </b><!-- no --><c/></a>')
    assert root.tag == "{urn:x}a"
    assert root.get("k") == "1 & 2"
    assert root.findtext("{urn:x}b") == " Smith & Son  "
    for named in ("utf-8", "iso-8859-1"):  # a text has been decoded: what it names is over
        assert read_xml(f"<?xml version='1.0' encoding='{named}'?><a>é</a>").text == "é"


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        OUTSIDE,
        "<!DOCTYPE a><a/>",
        f"<!--{'x' * 20_000}--><!DOCTYPE a><a/>",
        "<a/>".encode("utf-16"),
        "<a/>".encode("utf-16-be"),
        BOMB.encode("utf-16"),
        BOMB.encode("utf-16-be"),
        ("<?xml version='1.0' encoding='utf-16'?>" + BOMB).encode("utf-16"),
        b"\xef\xbb\xbf" + BOMB.encode(),
        "<a>&unknown;</a>",
        "<a><b></a>",
        "<a/><a/>",
        "<a k='1' k='2'/>",
        "<a>&#;</a>",
        "<\x01a/>",
        "\x00<a/>",
        "&#x41;<a/>",
        b"<a>\xff</a>",
        "",
        "<p:a/>",
        "<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1),
        f"<a>{'<b/>' * MAX_ELEMENTS}</a>",
    ],
)
def test_what_is_not_plain_xml_is_refused(text: str | bytes) -> None:
    with pytest.raises(NotXML) as refused:
        read_xml(text)
    assert "passwd" not in str(refused.value)
    assert len(str(refused.value)) < 60


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\x00\x01\x0b\x1f", LOST * 4),
        ("\ud800\ufffe\uffff", LOST * 3),
        ("&#0;&#x0;&#1;&#x1F;&#xd800;&#xFFFF;&#1114112;", LOST * 7),
        ("&#" + "9" * 5_000 + ";", LOST),
        ("&#x" + "0" * 20 + "1;", LOST),
        ("&#65;&#x42;&#9;&#x10FFFF;\t\x7f\u0085", "AB\t\U0010ffff\t\x7f\x85"),
        ("&amp;#1;", "&#1;"),
        ("é" + LOST, "é" + LOST),
    ],
)
def test_a_character_that_xml_forbids_is_lost_alone(written: str, read: str) -> None:
    assert read_xml(f"<a k='{written}'>{written}<b>Smith</b></a>").text == read
    assert read_xml(f"<a>{written}<b>Smith</b></a>").findtext("b") == "Smith"
