"""Strict parser of external XML: UTF-8, no document type, bounded in depth and elements.

Without a document type there are no entities but XML's own five: none that grows, and none that
names a file or an address. The parser refuses it where it begins, whatever is before.

A character that XML forbids, as itself or by its number, is read as ``UNREADABLE``: programs write
them (System.Xml of .NET does), and one must not hide all that is beside it.
"""

from __future__ import annotations

import re
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

MAX_DEPTH = 40
MAX_ELEMENTS = 200_000
UNREADABLE = "\ufffd"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BY_NUMBER = re.compile("&#(?:x([0-9A-Fa-f]+)|([0-9]+));")


class NotXML(ValueError):
    """The text is not such a document; the message has nothing of it."""


class _Builder:
    def __init__(self) -> None:
        self._tree, self._depth, self._elements = TreeBuilder(), 0, 0
        self._parser = expat.ParserCreate("utf-8", "}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._tree.data
        self._parser.StartDoctypeDeclHandler = _refuse_document_type

    def element(self, text: bytes) -> Element:
        self._parser.Parse(text, True)
        return self._tree.close()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth, self._elements = self._depth + 1, self._elements + 1
        if self._depth > MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise NotXML("It has too many elements")
        self._tree.start(_named(name), {_named(each): attributes[each] for each in attributes})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_named(name))


def read_xml(text: str | bytes) -> Element:
    """Return the document's element; names are as ElementTree has them. Raises NotXML."""
    try:
        written = text if isinstance(text, str) else text.decode()
        return _Builder().element(_readable(written).encode())
    except NotXML:
        raise
    except expat.ExpatError as error:
        raise NotXML(f"It is no XML, in line {error.lineno}") from None
    except (ValueError, AssertionError):
        raise NotXML("It is not encoded as XML in UTF-8") from None


def _readable(text: str) -> str:
    """Return a text without what XML forbids; NUL too, by which expat knows UTF-16."""
    return _BY_NUMBER.sub(_allowed, _FORBIDDEN.sub(UNREADABLE, text))


def _allowed(reference: re.Match[str]) -> str:
    digits = reference[1] or reference[2]
    number = int(digits, 16 if reference[1] else 10) if len(digits) < 10 else 0
    is_character = number <= 0x10FFFF and not _FORBIDDEN.match(chr(number))
    return reference[0] if is_character else UNREADABLE


def _named(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _refuse_document_type(*_arguments: object) -> NoReturn:
    raise NotXML("It has a document type")
