"""Tables of comma separated values, in whatever dialect a platform or a spreadsheet left them.

Numbers and dates are as a locale writes them: `1,025.3`, `1.025,3`, `1 025,3`; `Sep 20, 2026, 2:12:12 PM`,
`20.09.2026, 14:12:12`, `9 mei 2026, 00:03:01`.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple
from unicodedata import is_normalized, normalize

from app.readers.activities import ReadingFinding
from app.readers.content import Content

TABLE_LIMIT_BYTES: Final = 16 * 1024 * 1024
ROWS_MOST: Final = 50_000
"""Three activities a day for forty-five years."""
COLUMNS_MOST: Final = 400
_ROW_CHARACTERS_MOST: Final = 262_144
_FIRST_ROWS: Final = 8
_FIRST_CHARACTERS: Final = 65_536
_DELIMITERS: Final = (",", ";", "\t")
_TAG: Final = re.compile(r"<[^<>]{0,400}>")
_PLAIN: Final = re.compile(r"-?\d{1,15}(?:\.\d{1,20})?")
_DIGITS: Final = re.compile(r"\d{1,15}(?:[.,]\d{1,15}){0,6}")
# What a spreadsheet writes for a spreadsheet.
_HINT: Final = re.compile(r"\A\ufeff?sep=.\r?\n", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"')


class Row(NamedTuple):
    """One row of a table that has anything in it.

    Attributes:
        number: from 1, of those rows.
        cells: without blanks around them.
    """

    number: int
    cells: list[str]


def looks_like_table(content: Content) -> bool:
    """Whether there is a first line with separators in it, of a file that is neither JSON, XML nor binary."""
    head = content.head
    if len(content.raw) > TABLE_LIMIT_BYTES or b"\0" in head or head[:1] in (b"", b"{", b"[", b"<"):
        return False
    line = _HINT.sub("", head.decode("utf-8", errors="replace")).partition("\n")[0]
    return max(line.count(mark) for mark in _DELIMITERS) >= 2


class Rows:
    """The rows of a table that have anything in them, the header too; they can be gone through again.

    Attributes:
        is_cut: known at the end: the rest could not be read, or was more than `ROWS_MOST` rows.
    """

    def __init__(self, text: str) -> None:
        text = _HINT.sub("", text, count=1)
        # Macs take letters with accents apart, and names of columns are compared letter by letter.
        self._text = text if is_normalized("NFC", text) else normalize("NFC", text)
        self._delimiter = _delimiter(text)
        self._row_characters = 0
        self.is_cut = False

    def __iter__(self) -> Iterator[Row]:
        number = 0
        try:
            for told in csv.reader(self._lines(), delimiter=self._delimiter):
                self._row_characters = 0
                cells = [cell.strip() for cell in told[:COLUMNS_MOST]]
                if not any(cells):
                    continue
                number += 1
                if number > ROWS_MOST:
                    self.is_cut = True
                    return
                yield Row(number, cells)
        except csv.Error:
            # A cell of more than 128 KiB, say: an unbalanced quote swallows the rest of a file.
            self.is_cut = True

    def _lines(self) -> Iterator[str]:
        """The lines, up to a row that is longer than any: as one row, a file of commas would take all memory."""
        for line in io.StringIO(self._text, newline=""):
            self._row_characters += len(line)
            if self._row_characters > _ROW_CHARACTERS_MOST:
                self.is_cut = True
                return
            yield line


def first_rows(content: Content) -> list[Row]:
    """The first rows of a table, to tell what it is; none where it is no table."""
    return list(islice(Rows(content.text[:_FIRST_CHARACTERS]), _FIRST_ROWS)) if looks_like_table(content) else []


def read_table(
    content: Content,
    columns: Mapping[str, int],
    *,
    first: int,
) -> tuple[list[tuple[int, dict[str, str]]], list[ReadingFinding]]:
    """Of every row from the `first`, its number and the cells that are asked for and have anything in them."""
    rows = Rows(content.text)
    table = [
        (number, {name: cells[at] for name, at in columns.items() if at < len(cells) and cells[at]})
        for number, cells in rows
        if number >= first
    ]
    cut = ReadingFinding("salvaged", content.name, detail=f"Only {len(table)} rows could be read.")
    return table, [cut] if rows.is_cut else []


def columns_by_name(header: Iterable[str], names: Mapping[str, str]) -> dict[str, int]:
    """Where columns stand, by their names in any language; of a name that stands twice, the first.

    Args:
        header: cells of the first row.
        names: column to its names, as `column_key` makes them, with blanks between.
    """
    keys = [column_key(without_tags(cell)) for cell in header]
    found = {column: [keys.index(key) for key in told.split() if key in keys] for column, told in names.items()}
    return {column: min(places) for column, places in found.items() if places}


def _delimiter(text: str) -> str:
    """The separator that the first line has most of, outside quotes."""
    line = _QUOTED.sub("", text[:_FIRST_CHARACTERS].lstrip("\ufeff\r\n ").partition("\n")[0])
    return max(_DELIMITERS, key=line.count)


def without_tags(told: str) -> str:
    """A cell without the HTML that some exports leave in their headers.

    >>> without_tags('<span class="translation_missing" title="x">Start Time</span>')
    'Start Time'
    """
    return _TAG.sub("", told[:2_000]).strip()


def column_key(told: str) -> str:
    """The name of a column, for comparing: letters and digits alone, lower case.

    >>> column_key("Date de l'activité"), column_key("Ø Schrittlänge"), column_key(" Avg Run Cadence ")
    ('datedelactivité', 'øschrittlänge', 'avgruncadence')
    """
    return "".join(character for character in told[:200].casefold() if character.isalnum())


def plain_number(told: str) -> float | None:
    """A number as machines write it; None for anything else.

    >>> plain_number("6325.6001"), plain_number("1,5"), plain_number("--")
    (6325.6001, None, None)
    """
    return float(told) if _PLAIN.fullmatch(told) else None


def decimal_mark(cells: Iterable[str]) -> str:
    """The decimal mark of a column: ',' where the cells give it away, else '.'.

    Three digits behind a mark may be thousands; one cell with another number of them decides for the column.

    >>> decimal_mark(["5,81", "1,025"]), decimal_mark(["1,025", "5.81"]), decimal_mark(["1.025,30"])
    (',', '.', ',')
    """
    for cell in cells:
        text = _without_blanks(cell)
        if not _DIGITS.fullmatch(text):
            continue
        marks = [character for character in text if character in ".,"]
        if len(set(marks)) == 2:
            return marks[-1]
        if len(marks) == 1 and len(text.rpartition(marks[0])[2]) != 3:
            return marks[0]
        if len(marks) > 1:
            return "," if marks[0] == "." else "."
    return "."


def local_number(told: str, *, mark: str) -> float | None:
    """A number as a locale writes it, thousands grouped or not; None for anything else.

    >>> local_number("1.025,3", mark=","), local_number("1,025", mark="."), local_number("1 025,3", mark=",")
    (1025.3, 1025.0, 1025.3)
    >>> local_number("--", mark="."), local_number("5:41", mark=".")
    (None, None)
    """
    text = _without_blanks(told)
    if not _DIGITS.fullmatch(text):
        return None
    whole, found, fraction = text.rpartition(mark)
    if not found:
        whole, fraction = text, ""
    group = "," if mark == "." else "."
    if mark in whole or group in fraction:
        return None
    return float(f"{whole.replace(group, '') or '0'}.{fraction or '0'}")


def _without_blanks(told: str) -> str:
    """Without the blanks, of whatever width, and the apostrophes that group digits."""
    return re.sub(r"[\s\u00a0\u2009\u202f'’]", "", told[:60])
