"""XML read as it streams by, without entities, without a DTD, and not too deep; what came before a fault is kept.

Prefixes are cut off and not looked up: exports exist that never bind theirs, and no element of GPX or TCX needs one.
The text of an element is handed out with its end, and a whole document is never held as a tree.
"""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Final
from xml.sax.handler import ContentHandler

from app.errors import UnreadableTrainingError
from app.readers.content import Content

DEPTH_MOST: Final = 32
TEXT_MOST: Final = 4_096
"""Characters of one element that are kept; the longest that is read is a track's name."""
ATTRIBUTES_MOST: Final = 256
_DECLARED: Final = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")

Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]
End = Callable[[str, str], None]


class _TooDeepError(Exception):
    """Elements are nested deeper than any format here nests them."""


class _Handler(ContentHandler):
    def __init__(self, start: Start, end: End) -> None:
        super().__init__()
        self._start = start
        self._end = end
        self._depth = 0
        self._text: list[str] = []
        self._length = 0

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802 - the name that the parser calls
        self._depth += 1
        if self._depth > DEPTH_MOST:
            raise _TooDeepError
        self._text.clear()
        self._length = 0
        told: Attributes = dict(attrs.items()) if len(attrs) <= ATTRIBUTES_MOST else {}  # type: ignore[attr-defined, arg-type]  # the parser's own mapping, which has no stub
        self._start(name.rpartition(":")[2], told)

    def characters(self, content: str) -> None:
        if self._length < TEXT_MOST:
            self._text.append(content)
            self._length += len(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - the name that the parser calls
        self._depth -= 1
        text = "".join(self._text)[:TEXT_MOST].strip() if self._text else ""
        self._text.clear()
        self._length = 0
        self._end(name.rpartition(":")[2], text)


def walk_xml(content: Content, *, start: Start, end: End) -> str:
    """Calls `start` and `end` for each element in order, with names without prefix.

    Returns:
        Why the walk ended before the document did; "" when it did not.

    Raises:
        UnreadableTrainingError: it declares entities or a DTD, or is nested too deep; nothing of it is to be trusted.
    """
    from xml.sax import SAXException, SAXParseException
    from xml.sax.xmlreader import InputSource

    from defusedxml.common import DefusedXmlException
    from defusedxml.expatreader import DefusedExpatParser

    parser = DefusedExpatParser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(_Handler(start, end))
    source = InputSource()
    raw, encoding = _encoded(content)
    source.setByteStream(BytesIO(raw))
    if encoding is not None:
        source.setEncoding(encoding)
    try:
        parser.parse(source)
    except DefusedXmlException:
        raise UnreadableTrainingError(content.name, "It declares entities or a DTD, which are not read.") from None
    except _TooDeepError:
        reason = f"Its elements are nested more than {DEPTH_MOST} deep."
        raise UnreadableTrainingError(content.name, reason) from None
    except SAXParseException as fault:
        return f"It is no well-formed XML from line {fault.getLineNumber()} on."
    except (SAXException, ValueError, LookupError):
        return "It is no well-formed XML, or in an unknown encoding."
    return ""


def _encoded(content: Content) -> tuple[bytes, str | None]:
    """The bytes from the declaration on, and their encoding where it has to overrule what they declare."""
    declared = _DECLARED.search(content.head)
    name = declared[1].lower() if declared else b"utf-8"
    if name not in (b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii") and not content.raw.startswith(
        (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
    ):
        return content.raw.lstrip(b" \t\r\n"), None
    if content.raw.isascii():
        return content.raw.lstrip(b" \t\r\n"), "utf-8"
    return content.text.lstrip("\ufeff \t\r\n").encode("utf-8", errors="replace"), "utf-8"
