"""Arrow cells as flat arrays: what was told, and which cells are odd.

An odd cell may be a fault or only unusual (a day written as text that is none, a fraction where a count belongs). It is
not judged here: its row is read one by one, by the reader of single requests.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.runners.told_columns import FieldColumn, Kind, Mask, Whole, thousandths

ArrowArray: TypeAlias = Any  # the stubs know less of nested and encoded arrays than Arrow itself
_SYMPTOM_ID = re.compile(r"[a-z][a-z0-9_]{1,63}")


class Cells(NamedTuple):
    """Cells of one column: the field, and which of its cells are odd; what an odd cell holds says nothing."""

    field: FieldColumn
    odd: Mask


class Quantities(NamedTuple):
    """Numbers as they stand in the cells (0 where none was told), for what only they can show."""

    floats: NDArray[np.float64]
    told: Mask
    odd: Mask


def told_in(cells: ArrowArray) -> Mask:
    """Which cells are not null."""
    if cells.null_count == 0:
        return np.ones(len(cells), np.bool_)
    told: Mask = cells.is_valid().to_numpy(zero_copy_only=False)
    return told


def read_quantities(cells: ArrowArray, *, low: float, high: float) -> Quantities:
    """Numbers between two bounds, both included."""
    told = told_in(cells)
    if not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
        return Quantities(np.zeros(len(cells)), told, told)
    floats: NDArray[np.float64] = cells.cast(pa.float64(), safe=False).fill_null(0.0).to_numpy(zero_copy_only=False)
    # not-a-number is within no bounds
    return Quantities(floats, told, told & ~((floats >= low) & (floats <= high)))


def _read_number(cells: ArrowArray, kind: Kind) -> Cells:
    floats, told, odd = read_quantities(cells, low=kind.low, high=kind.high)
    return Cells(FieldColumn(thousandths(np.where(odd, 0.0, floats)), told), odd)


def _read_whole(cells: ArrowArray, kind: Kind) -> Cells:
    floats, told, odd = read_quantities(cells, low=kind.low, high=kind.high)
    odd = odd | (floats != np.rint(floats))
    return Cells(FieldColumn(np.where(odd, 0.0, floats).astype(np.int64), told), odd)


def _read_choice(cells: ArrowArray, kind: Kind) -> Cells:
    told = told_in(cells)
    texts = _texts(cells)
    if texts is None:
        return Cells(FieldColumn(np.zeros(len(cells), np.int64), told), told)
    places: ArrowArray = pc.index_in(texts, value_set=pa.array(kind.choices, texts.type))
    codes = places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    odd = told & (codes < 0)
    return Cells(FieldColumn(np.maximum(codes, 0), told), odd)


def _read_yes_no(cells: ArrowArray, kind: Kind) -> Cells:
    told = told_in(cells)
    if not pa.types.is_boolean(cells.type):
        return Cells(FieldColumn(np.zeros(len(cells), np.int64), told), told)
    yes = cells.fill_null(NO).to_numpy(zero_copy_only=False)
    return Cells(FieldColumn(yes.astype(np.int64), told), np.zeros(len(cells), np.bool_))


_READERS: dict[str, Callable[[ArrowArray, Kind], Cells]] = {
    "number": _read_number,
    "whole": _read_whole,
    "choice": _read_choice,
    "yes_no": _read_yes_no,
}


def read_field(cells: ArrowArray, kind: Kind) -> Cells:
    """A field of the profile, of any kind but symptoms."""
    return _READERS[kind.sort](cells, kind)


def _texts(cells: ArrowArray) -> ArrowArray | None:
    """Cells as plain text; None when they hold none."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_string_view(cells.type):
        cells = cells.cast(pa.string())
    return cells if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type) else None


def read_days(cells: ArrowArray) -> Cells:
    """Days, from dates or from text as on the wire (YYYY-MM-DD), as days since 1970-01-01."""
    told = told_in(cells)
    if pa.types.is_date(cells.type):
        days = cells.cast(pa.date32()).view(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        return Cells(FieldColumn(days, told), (days < _FIRST_DAY) | (days > _LAST_DAY))
    texts = _texts(cells)
    days = np.zeros(len(cells), np.int64)
    if texts is None:
        return Cells(FieldColumn(days, told), told)
    lengths: ArrowArray = pc.binary_length(texts)
    is_long_enough = pc.equal(lengths.fill_null(0), _DAY_LENGTH)
    places = is_long_enough.to_numpy(zero_copy_only=False).nonzero()[0]
    parsed, is_day = _parse_days(_characters(texts.filter(is_long_enough)).reshape(-1, 10))
    days[places] = parsed
    odd = told.copy()
    odd[places] = ~is_day
    return Cells(FieldColumn(days, told), odd)


# What a calendar of four-digit years holds.
_FIRST_DAY = int(np.datetime64("0001-01-01").astype(np.int64))
_LAST_DAY = int(np.datetime64("9999-12-31").astype(np.int64))
NO = pa.array([False])[0]
_DAY_LENGTH = pa.scalar(10, pa.int32())
_DIGITS = [0, 1, 2, 3, 5, 6, 8, 9]


def _characters(texts: ArrowArray) -> NDArray[np.uint8]:
    """The bytes of texts without nulls, one after the other."""
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    _, ends, characters = texts.buffers()
    if characters is None or not len(texts):
        return np.empty(0, np.uint8)
    offsets = np.frombuffer(ends, width)[texts.offset : texts.offset + len(texts) + 1]
    found: NDArray[np.uint8] = np.frombuffer(characters, np.uint8)[offsets[0] : offsets[-1]]
    return found


# The first day of every month of the calendar, and of the one after: a look-up is a fifth of a conversion.
_MONTHS: Whole = np.arange("0001-01", "10000-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _parse_days(written: NDArray[np.uint8]) -> tuple[Whole, Mask]:
    """Days written in ten characters each, and which of them are days."""
    marks = np.ascontiguousarray(written.T)
    digits = marks[_DIGITS] - np.uint8(ord("0"))  # what stands before 0 wraps around, to above 9
    is_day: Mask = (digits <= 9).all(axis=0) & (marks[4] == ord("-")) & (marks[7] == ord("-"))
    tens = digits[::2].astype(np.int32) * 10 + digits[1::2]
    century, year_of_century, month, day = tens
    year = century * 100 + year_of_century
    is_day &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(is_day, (year - 1) * 12 + month - 1, 0)
    days = _MONTHS[months] + np.where(is_day, day - 1, 0)
    is_day &= days < _MONTHS[months + 1]
    return days, is_day


class Moments(NamedTuple):
    """Starts with an offset from UTC that is not 0, so that the day written is the local one.

    Attributes:
        day: local day.
        utc_s: the same instant everywhere, seconds since 1970-01-01 in UTC.
    """

    day: Whole
    utc_s: Whole
    told: Mask
    odd: Mask


_MOMENT_LENGTH = pa.scalar(25, pa.int32())
_CLOCK_DIGITS = [11, 12, 14, 15, 17, 18, 20, 21, 23, 24]
_CLOCK_MARKS = ((10, "T"), (13, ":"), (16, ":"), (22, ":"))
_FARTHEST_ZONE_HOURS = 14


def read_moments(cells: ArrowArray) -> Moments:
    """Starts written like 2026-11-20T07:30:00+01:00; any other way of writing one is odd, a start in UTC too."""
    told = told_in(cells)
    day, utc_s, odd = np.zeros(len(cells), np.int64), np.zeros(len(cells), np.int64), told.copy()
    texts = _texts(cells)
    if texts is not None and told.any():
        lengths: ArrowArray = pc.binary_length(texts)
        is_long_enough = pc.equal(lengths.fill_null(0), _MOMENT_LENGTH)
        places = is_long_enough.to_numpy(zero_copy_only=False).nonzero()[0]
        written = _characters(texts.filter(is_long_enough)).reshape(-1, 25)
        days, is_moment = _parse_days(written[:, :10])
        digits = (written[:, _CLOCK_DIGITS] - ord("0")).astype(np.int64)
        hour, minute, second, offset_hours, offset_minutes = (
            digits[:, 2 * n] * 10 + digits[:, 2 * n + 1] for n in range(5)
        )
        is_moment &= (digits <= 9).all(axis=1) & (hour < 24) & (minute < 60) & (second < 60) & (offset_minutes < 60)
        for place, mark in _CLOCK_MARKS:
            is_moment &= written[:, place] == ord(mark)
        is_east = written[:, 19] == ord("+")
        is_moment &= (is_east | (written[:, 19] == ord("-"))) & (offset_hours <= _FARTHEST_ZONE_HOURS)
        offset_s = offset_hours * 3600 + offset_minutes * 60
        is_moment &= offset_s != 0
        local_s = days * 86_400 + hour * 3600 + minute * 60 + second
        day[places] = days
        utc_s[places] = local_s - np.where(is_east, offset_s, -offset_s)
        odd[places] = ~is_moment
    return Moments(day, utc_s, told, odd)


class Lists(NamedTuple):
    """Cells that are lists.

    Attributes:
        counts: members of each, 0 where there is no list.
        members: of all of them, one after the other.
    """

    told: Mask
    counts: Whole
    members: ArrowArray

    def rows(self) -> Whole:
        """Whose each member is."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def read_lists(cells: ArrowArray) -> Lists | None:
    """Lists of any length; None when the column holds something else."""
    if not (pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type)):
        return None
    counts = pc.list_value_length(cells).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return Lists(told_in(cells), counts, cells.flatten())


class Codes(NamedTuple):
    """Texts by their place among the distinct ones."""

    codes: Whole
    distinct: Sequence[str]
    odd: Mask


def read_ids(cells: ArrowArray, *, is_id: Callable[[str], bool]) -> Codes:
    """Texts that name something; null ones have the code -1, and what is no such name is odd."""
    told = told_in(cells)
    texts = _texts(cells)
    if texts is None:
        return Codes(np.full(len(cells), -1), (), told)
    encoded = texts.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    distinct = encoded.dictionary.to_pylist()
    is_odd = np.array([not is_id(text) for text in distinct] + [False], np.bool_)
    return Codes(codes, distinct, is_odd[codes])


def is_symptom_id(text: str) -> bool:
    """Whether a text can be the id of a red flag."""
    return _SYMPTOM_ID.fullmatch(text) is not None
