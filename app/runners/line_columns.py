"""Rows of JSON lines in columns: whatever is plainly in order, parsed and checked for all rows at once.

Arrow parses the lines by a schema made from the request's own models. It is stricter than JSON in some ways and knows
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
from app.runners.told_columns import Mask, ToldColumns

ID_CHARACTERS_MOST: Final = 128
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


def read_lines(lines: Sequence[bytes | None], *, as_of: date | None, today: date) -> Iterator[PlainLines]:
    """What the lines told that are plainly rows of a batch (`id`, `request`, `as_of`); the others are left out.

    Args:
        lines: None is no row.
        as_of: the day of the score of every row that names none; None takes the default that a request has.
        today: the day in UTC.
    """
    places = [place for place, line in enumerate(lines) if line is not None and _may_be_plain(line)]
    for parsed, batch in _parse([(place, lines[place] or b"") for place in places]):
        found = _read_rows(parsed, batch, as_of=as_of, today=today)
        if found.places:
            yield found


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


def _parse(lines: Sequence[tuple[int, bytes]]) -> Iterator[tuple[list[int], pa.RecordBatch]]:
    """Record batches of the lines that parse, with their places; of lines that do not, the halves are tried."""
    if not lines:
        return
    batch = _parse_all([line for _, line in lines])
    if batch is not None:
        yield [place for place, _ in lines], batch
    elif len(lines) > LINES_LEFT_OUT_TOGETHER:
        middle = len(lines) // 2
        yield from _parse(lines[:middle])
        yield from _parse(lines[middle:])


def _parse_all(lines: Sequence[bytes]) -> pa.RecordBatch | None:
    """One row a line; None where anything does not fit."""
    text = b"\n".join(lines) + b"\n"
    reading = pa.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    try:
        source = cast(IO[bytes], pa.BufferReader(text))
        table = pa.json.read_json(source, read_options=reading, parse_options=_parsing())
    except (pa.ArrowException, OSError):
        return None
    # Two rows in one line would be found here: each line that is taken makes one at least.
    if table.num_rows != len(lines):
        return None
    (batch,) = table.combine_chunks().to_batches()
    return batch


@cache
def _parsing() -> "pa.json.ParseOptions":
    schema = pa.schema([("id", pa.string()), ("as_of", pa.string()), ("request", _type_of(ScoreRequest))])
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


def _read_rows(places: list[int], batch: pa.RecordBatch, *, as_of: date | None, today: date) -> PlainLines:
    rows = np.array(places)
    odd = _odd_around(batch)
    while True:
        if odd.any():
            kept = (~odd).nonzero()[0]
            rows, batch = rows[kept], batch.take(kept)
        told, odd = PlainReader(_take_apart(batch), batch.num_rows).read(as_of=as_of, today=today)
        if not odd.any():  # at the second time at the latest: no row makes another one odd
            return PlainLines(rows.tolist(), cast(list[str], batch.column("id").to_pylist()), told)


def _odd_around(batch: pa.RecordBatch) -> Mask:
    """Rows without what a row needs, and those that name a day twice; objects without members are looked at here."""
    ids: ArrowArray = batch.column("id")
    lengths: ArrowArray = pc.utf8_length(ids)
    length = lengths.fill_null(0).to_numpy(zero_copy_only=False)
    request = batch.column("request")
    own_day, runner, training = (_member(request, name) for name in ("as_of", "runner", "training"))
    plan = _member(training, "planned_run")
    odd: Mask = (length < 1) | (length > ID_CHARACTERS_MOST)
    odd |= ~(told_in(request) & told_in(runner) & told_in(training))
    odd |= told_in(own_day) & told_in(batch.column("as_of"))
    odd |= told_in(plan) & ~told_in(_member(plan, "distance_m"))
    return odd


def _member(cells: ArrowArray, name: str) -> ArrowArray:
    """A member of structs, null where they are."""
    return cells.flatten()[cells.type.get_field_index(name)]


def _take_apart(batch: pa.RecordBatch) -> dict[str, ArrowArray]:
    """The cells by dotted path below the request, structs taken apart."""
    leaves: dict[str, ArrowArray] = {}

    def add(path: str, cells: ArrowArray) -> None:
        if not pa.types.is_struct(cells.type):
            leaves[path] = cells
            return
        for field, member in zip(cells.type, cells.flatten(), strict=True):
            add(f"{path}.{field.name}", member)

    request = batch.column("request")
    for name in ("runner", "training"):
        add(name, _member(request, name))
    leaves["as_of"] = pc.coalesce(_member(request, "as_of"), batch.column("as_of"))
    return leaves
