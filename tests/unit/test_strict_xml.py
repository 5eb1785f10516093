"""XML from outside: no document type in any encoding, bounded, and read exactly."""

from __future__ import annotations

import pytest

from crmlink.strict_xml import MAX_DEPTH, MAX_ELEMENTS, NotXML, read_xml

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
        "<a>\x00</a>",
        "<a>\ud800</a>",
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
