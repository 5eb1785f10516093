"""Strict parser of external XML: UTF-8, no document type, bounded in depth and elements.

Without a document type there are no entities but XML's own five: none that grows, and none that
names a file or an address. The parser refuses it where it begins, whatever is before.
"""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

MAX_DEPTH = 40
MAX_ELEMENTS = 200_000


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
        content = text.encode() if isinstance(text, str) else text
        if "\0" in content.decode():  # expat takes UTF-16 whatever encoding it is given
            raise NotXML("It is not encoded as XML in UTF-8")
        return _Builder().element(content)
    except NotXML:
        raise
    except expat.ExpatError as error:
        raise NotXML(f"It is no XML, in line {error.lineno}") from None
    except (ValueError, AssertionError):
        raise NotXML("It is not encoded as XML in UTF-8") from None


def _named(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _refuse_document_type(*_arguments: object) -> NoReturn:
    raise NotXML("It has a document type")
