"""Rows and requests in JSON text, read into columns: whatever is plainly in order, parsed and checked all at once.

Arrow parses the texts by a schema made from the request's own models. It is stricter than JSON in some ways and knows
less than the models in others, so what it does not take, or takes and finds odd, is left out here: such rows are for
the reader of single requests, whose word is the only one on faults and findings.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from types import NoneType
from typing import IO, Annotated, Any, Final, Literal, NamedTuple, cast, get_args, get_origin

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from pydantic import BaseModel

from app.runners.cell_columns import ArrowArray, told_in
from app.runners.plain_columns import PlainReader
from app.runners.profile import ScoreRequest
from app.runners.told_columns import Mask, ToldColumns, Whole

ID_CHARACTERS_MOST: Final = 128
PARSED_TOGETHER_BYTES: Final = 4_194_304
LINES_LEFT_OUT_TOGETHER: Final = 32
"""Of lines that do not parse, so many are left out with the one that is at fault; to find it alone costs more."""


class PlainLines(NamedTuple):
    """The rows that are plainly in order.

    Attributes:
        places: of their lines among those given, rising.
        ids: one for each.
        told: one row for each.
    """

    places: list[int]
    ids: list[str]
    told: ToldColumns


class PlainTexts(NamedTuple):
    """The requests that are plainly in order: their places among those given, rising, and a row for each."""

    places: Whole
    told: ToldColumns


Text = bytes | None
"""A row or a request as JSON; None is none."""


def read_lines(lines: Sequence[Text], *, as_of: date | None, today: date) -> Iterator[PlainLines]:
    """What the lines told that are plainly rows of a batch (`id`, `request`, `as_of`); the others are left out.

    Args:
        as_of: the day of the score of every row that names none; None takes the default that a request has.
        today: the day in UTC.
    """
    for places, batch in _parse_plain(lines, _parsing_rows()):
        all_ids: ArrowArray = batch.column("id")
        lengths: ArrowArray = pc.utf8_length(all_ids)
        length = lengths.fill_null(0).to_numpy(zero_copy_only=False)
        is_id: Mask = (length >= 1) & (length <= ID_CHARACTERS_MOST)
        rows, told = _read_rows(batch.column("request"), batch.column("as_of"), ~is_id, as_of=as_of, today=today)
        if len(rows):
            ids = cast(list[str], all_ids.take(pa.array(rows)).to_pylist())
            yield PlainLines(places[rows].tolist(), ids, told)


def read_texts(texts: Sequence[Text], days: ArrowArray, *, as_of: date | None, today: date) -> Iterator[PlainTexts]:
    """What the texts told that are plainly requests; the others are left out.

    Args:
        days: the day that stands beside each, null where none does.
        as_of, today: as for `read_lines`.
    """
    for places, batch in _parse_plain(texts, _parsing_requests()):
        requests = pa.StructArray.from_arrays(batch.columns, names=batch.schema.names)
        blank = np.zeros(len(places), np.bool_)
        rows, told = _read_rows(requests, days.take(pa.array(places)), blank, as_of=as_of, today=today)
        if len(rows):
            yield PlainTexts(places[rows], told)


def _may_be_plain(line: bytes) -> bool:
    r"""Whether a line begins and ends as an object does, in bare UTF-8.

    So no line can be parsed as a part of another: after a brace that closes, and but for the end of the object, the
    brace that opens the next line is no JSON, and no text goes on behind a line feed. A zero byte would end the parsing
    unnoticed, and what is escaped (`\ud800`) may be no text at all.

    >>> _may_be_plain(b'{"id":"a"} '), _may_be_plain(b'{"id":"\\u0061"}'), _may_be_plain(b"[]")
    (True, False, False)
    """
    if line[:1] != b"{" or line.rstrip()[-1:] != b"}" or b"\\" in line or b"\0" in line:
        return False
    return line.isascii() or _is_utf8(line)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parse_plain(lines: Sequence[Text], parsing: "pa.json.ParseOptions") -> Iterator[tuple[Whole, pa.RecordBatch]]:
    """Record batches of the lines that parse, with their places."""
    piece: list[tuple[int, bytes]] = []
    piece_bytes = 0
    for place, line in enumerate(lines):
        if line is None or not _may_be_plain(line):
            continue
        piece.append((place, line))
        piece_bytes += len(line)
        if piece_bytes >= PARSED_TOGETHER_BYTES:
            yield from _parse(piece, parsing)
            piece, piece_bytes = [], 0
    yield from _parse(piece, parsing)


def _parse(
    lines: Sequence[tuple[int, bytes]], parsing: "pa.json.ParseOptions"
) -> Iterator[tuple[Whole, pa.RecordBatch]]:
    """All in one; of lines that do not parse, the halves are tried, and so on."""
    if not lines:
        return
    batch = _parse_all([line for _, line in lines], parsing)
    if batch is not None:
        yield np.array([place for place, _ in lines]), batch
    elif len(lines) > LINES_LEFT_OUT_TOGETHER:
        middle = len(lines) // 2
        yield from _parse(lines[:middle], parsing)
        yield from _parse(lines[middle:], parsing)


def _parse_all(lines: Sequence[bytes], parsing: "pa.json.ParseOptions") -> pa.RecordBatch | None:
    """One row a line; None where anything does not fit."""
    # In memory that goes back to the system when it is free: Arrow's own pool keeps tens of megabytes for a while.
    text = b"\n".join(lines) + b"\n"
    reading = pa.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    try:
        source = cast(IO[bytes], pa.BufferReader(text))
        table = pa.json.read_json(
            source, read_options=reading, parse_options=parsing, memory_pool=pa.system_memory_pool()
        )
    except (pa.ArrowException, OSError):
        return None
    # Two rows in one line would be found here: each line that is taken makes one at least.
    if table.num_rows != len(lines):
        return None
    (batch,) = table.combine_chunks().to_batches()
    return batch


@cache
def _parsing_rows() -> "pa.json.ParseOptions":
    schema = pa.schema([("id", pa.string()), ("as_of", pa.string()), ("request", _type_of(ScoreRequest))])
    return pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")


@cache
def _parsing_requests() -> "pa.json.ParseOptions":
    schema = pa.schema(list(cast(pa.StructType, _type_of(ScoreRequest))))
    return pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")


def _type_of(annotation: Any) -> pa.DataType:
    """The Arrow type in which everything that a field may plainly hold can stand; numbers are floats, as in JSON."""
    if get_origin(annotation) is Annotated:
        return _type_of(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return pa.string()
    inner = [part for part in get_args(annotation) if part is not NoneType]
    if get_origin(annotation) is list:
        return pa.list_(_type_of(inner[0]))
    if inner:
        return _type_of(inner[0])
    if issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return pa.struct([(name, _type_of(field.annotation)) for name, field in fields])
    if annotation is bool:
        return pa.bool_()
    return pa.float64() if annotation in (int, float) else pa.string()


def _read_rows(
    requests: ArrowArray, days: ArrowArray, odd: Mask, *, as_of: date | None, today: date
) -> tuple[Whole, ToldColumns]:
    """The rows that are plainly in order, and what they told."""
    days, odd_days = _nearest_days(_member(requests, "as_of"), days)
    odd = odd | odd_days | _odd_around(requests)
    rows = np.arange(len(requests))
    while True:
        if odd.any():
            kept = (~odd).nonzero()[0]
            rows, requests, days = rows[kept], requests.take(pa.array(kept)), days.take(pa.array(kept))
        told, odd = PlainReader(_take_apart(requests, days), len(requests)).read(as_of=as_of, today=today)
        if not odd.any():  # at the second time at the latest: no row makes another one odd
            return rows, told


def _nearest_days(own: ArrowArray, beside: ArrowArray) -> tuple[ArrowArray, Mask]:
    """The day in each request or else beside it, and the rows in which that is not plain."""
    if beside.null_count == len(beside):
        return own, told_in(beside)
    if own.null_count == len(own):
        return beside, told_in(own)
    if beside.type == own.type:
        return pc.coalesce(own, beside), told_in(own) & told_in(beside)
    return own, told_in(beside)


def _odd_around(requests: ArrowArray) -> Mask:
    """Requests without what a request needs; later, objects of nothing look like none."""
    runner, training = (_member(requests, name) for name in ("runner", "training"))
    plan = _member(training, "planned_run")
    odd: Mask = ~(told_in(requests) & told_in(runner) & told_in(training))
    return odd | (told_in(plan) & ~told_in(_member(plan, "distance_m")))


def _member(cells: ArrowArray, name: str) -> ArrowArray:
    """A member of structs, null where they are."""
    return cells.flatten()[cells.type.get_field_index(name)]


def _take_apart(requests: ArrowArray, days: ArrowArray) -> dict[str, ArrowArray]:
    """The cells by dotted path below the request, structs taken apart."""
    leaves: dict[str, ArrowArray] = {"as_of": days}

    def add(path: str, cells: ArrowArray) -> None:
        if not pa.types.is_struct(cells.type):
            leaves[path] = cells
            return
        for field, member in zip(cells.type, cells.flatten(), strict=True):
            add(f"{path}.{field.name}", member)

    for name in ("runner", "training"):
        add(name, _member(requests, name))
    return leaves
