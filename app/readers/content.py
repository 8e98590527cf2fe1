"""The bytes of one file, and what is worked out from them once however many readers ask."""

import re
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

import orjson

NAME_MOST: Final = 120
HEAD_BYTES: Final = 4_096
JSON_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Parsed, JSON takes up to twenty times its size, and a reading process may take 512 MiB."""
JSON_OPENINGS_MOST: Final = 1_000_000
"""Objects and lists: small ones take thirty times their size, and nobody's activities hold as many."""
_MENDED_MOST: Final = 500_000
_UNPRINTABLE: Final = re.compile(r"[^\w .,;()\[\]+@#&='-]", re.UNICODE)
_ROOT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
# What Python and Java write for no number, and numbers beyond any: no JSON, or none that can be held.
_NO_NUMBER: Final = re.compile(
    rb"(?<=[\[:,\s])(?:-?(?:NaN|Infinity)|-?\d{1,20}(?:\.\d{1,40})?[eE]\+?\d{3,9})(?=[\s,\]}])"
)
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def safe_name(told: str) -> str:
    """A file's name fit to be printed: no folders, no control characters, not too long.

    >>> safe_name("../../etc/passwd"), safe_name("C:\\\\runs\\\\a.fit"), safe_name("a\\x1b[31m.gpx"), safe_name("")
    ('passwd', 'a.fit', 'a_[31m.gpx', 'unnamed')
    """
    name = PurePosixPath(told.replace("\\", "/")).name
    name = _UNPRINTABLE.sub("_", name).strip()
    if len(name) > NAME_MOST:
        name = f"{name[: NAME_MOST - 20]}…{name[-19:]}"
    return name or "unnamed"


class Content:
    """One file.

    Attributes:
        raw: its bytes.
        name: what its sender called it, fit to be printed.
    """

    def __init__(self, raw: bytes, *, name: str) -> None:
        self.raw = raw
        self.name = safe_name(name)

    @cached_property
    def head(self) -> bytes:
        """The first bytes, in UTF-8 where they are text, without a byte order mark or blanks in front.

        >>> Content("\\ufeff  <?xml?>".encode("utf-16"), name="a").head
        b'<?xml?>'
        """
        head = self.raw[:HEAD_BYTES]
        for mark, encoding in _BOMS:
            if head.startswith(mark):
                head = head.decode(encoding, errors="ignore").encode()
        return head.lstrip(b"\xef\xbb\xbf \t\r\n")

    @cached_property
    def xml_root(self) -> str | None:
        """The local name of the first element of XML, lower case; None where this is no XML.

        >>> Content(b" <?xml version='1.0'?><!-- x --><ns:GPX>", name="a").xml_root
        'gpx'
        """
        if not self.head.startswith(b"<"):
            return None
        found = _ROOT.search(re.sub(rb"<!--.*?-->|<\?.*?\?>|<![^>]*>", b"", self.head, flags=re.DOTALL))
        return found[1].decode("ascii", errors="ignore").lower() if found else None

    @cached_property
    def json(self) -> object:
        """The content as JSON, parsed once; None where it is no JSON, or too much of it.

        Whole numbers come as int, others as float; NaN, which many exports write, comes as None. Do not change what is
        given out.

        >>> Content(b'{"a": [1, NaN, 1e999]}', name="a").json, Content(b"{", name="a").json
        ({'a': [1, None, None]}, None)
        """
        if self.head[:1] not in (b"{", b"[") or len(self.raw) > JSON_LIMIT_BYTES:
            return None
        raw = self.raw.removeprefix(b"\xef\xbb\xbf")
        if raw.count(b"{") + raw.count(b"[") > JSON_OPENINGS_MOST:
            return None
        try:
            return orjson.loads(raw)
        except ValueError:
            mended, count = _NO_NUMBER.subn(b"null", raw, count=_MENDED_MOST)
        try:
            return orjson.loads(mended) if count else None
        except ValueError:
            return None

    @cached_property
    def text(self) -> str:
        """The content as text: by its byte order mark, else UTF-8, else Windows' western set.

        >>> Content(b"\\xef\\xbb\\xbfa", name="a").text, Content(b"caf\\xe9", name="a").text
        ('a', 'café')
        """
        for mark, encoding in _BOMS:
            if self.raw.startswith(mark):
                return self.raw.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
        try:
            return self.raw.decode("utf-8")
        except UnicodeDecodeError:
            return self.raw.decode("cp1252", errors="replace")
