"""Several files of one call, `multipart/form-data`, taken apart in memory: nothing of it ever lies on a disk."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from app.errors import Fault, InvalidInputError
from app.readers.content import Content

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PARTS_MOST: Final = 100
FIELD: Final = "files"
_NOT_WHOLE: Final = "The body is no whole multipart/form-data with the boundary that its Content-Type names."


class _Parts:
    """Takes what the parser calls out."""

    def __init__(self) -> None:
        self.files: list[Content] = []
        self.faults: list[Fault] = []
        self.is_whole = False
        self._count = 0
        self._header = bytearray()
        self._header_text = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda chunk, start, end: self._header.extend(chunk[start:end]),
            "on_header_value": lambda chunk, start, end: self._header_text.extend(chunk[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda chunk, start, end: self._body.extend(chunk[start:end]),
            "on_part_end": self._end,
            "on_end": self._end_all,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > PARTS_MOST:
            raise InvalidInputError(
                [
                    Fault(
                        f"/{FIELD}",
                        "too-many",
                        f"There are more than {PARTS_MOST} parts. Send an archive, or more calls.",
                    )
                ]
            )
        self._headers = {}
        self._body = bytearray()

    def _end_header(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._header_text)
        self._header.clear()
        self._header_text.clear()

    def _end(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, told = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        if told.get(b"name") != FIELD.encode():
            detail = f"Every part is one file, and is named {FIELD}."
            self.faults.append(Fault(f"/{self._count - 1}", "unknown-field", detail))
            return
        name = told.get(b"filename", b"").decode("utf-8", errors="replace")
        self.files.append(Content(bytes(self._body), name=name or f"file {self._count}"))
        self._body = bytearray()

    def _end_all(self) -> None:
        self.is_whole = True


def read_boundary(content_type: str) -> bytes:
    """The boundary that a Content-Type names, in whatever case it names the parameter; empty where there is none.

    >>> read_boundary('multipart/form-data; charset=utf-8; Boundary="a;b"'), read_boundary("application/gzip")
    (b'a;b', b'')
    """
    from python_multipart.multipart import parse_options_header

    _, told = parse_options_header(content_type)
    return told.get(b"boundary", b"")


def read_parts(chunks: Iterable[bytes], *, content_type: str) -> list[Content]:
    """The files of a multipart body, in their order.

    Raises:
        InvalidInputError: it is not whole, has too many parts, a part that is not named `files`, or no part at all.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    parts = _Parts()
    try:
        parser = MultipartParser(read_boundary(content_type), parts.callbacks())
        for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except (FormParserError, ValueError):
        raise InvalidInputError([Fault("", "malformed", _NOT_WHOLE)]) from None
    if parts.faults:
        raise InvalidInputError(parts.faults)
    if not parts.is_whole:
        raise InvalidInputError([Fault("", "malformed", _NOT_WHOLE)])
    if not parts.files:
        raise InvalidInputError([Fault(f"/{FIELD}", "missing", f"There is no file. Send them as parts named {FIELD}.")])
    return parts.files
