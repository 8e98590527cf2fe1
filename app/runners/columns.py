"""Requests in Arrow columns: three forms of the same rows, read into flat arrays.

What stands in a column means what it means on the wire. Null is "not told"; an object whose members are all null is
not told either, because many writers of Parquet cannot say the one without the other. Rows that are plainly in order
are read all at once. The others are read one by one by the reader of single requests, so that their faults and findings
are the same as on the wire.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from pydantic_core import to_json

from app.errors import Fault, InvalidInputError
from app.runners.cell_columns import ArrowArray, told_in
from app.runners.line_columns import read_texts
from app.runners.plain_columns import PlainReader
from app.runners.requests import ReadRequest, read_request
from app.runners.told_columns import Mask, ToldColumns, Whole, nobody, told_by_requests, with_others

Told: TypeAlias = dict[str, object]

REQUEST = "request"
AS_OF = "as_of"
PARTS = ("runner", "training")


def read_columns(batch: pa.RecordBatch, *, as_of: date | None, today: date) -> ToldColumns:
    """What every row of a batch told; a row that cannot be scored has told nothing, and is among the refused.

    Args:
        batch: `request` as JSON text; or `runner` and `training` as structs; or dotted columns; `as_of` beside any.
        as_of: the day of the score of every row that names none.
        today: the day in UTC.

    Raises:
        InvalidInputError: no column could hold runners, or two have one name.
    """
    _ensure_has_runners(batch.schema)
    if REQUEST in batch.schema.names:
        return _read_texts(batch, as_of=as_of, today=today)
    leaves, odd = _take_apart(batch)
    columns, more = PlainReader(leaves, batch.num_rows).read(as_of=as_of, today=today)
    rows = (odd | more).nonzero()[0]
    if not len(rows):
        return columns
    return _read_one_by_one(columns, batch.take(rows), rows, as_of=as_of, today=today)


def _read_texts(batch: pa.RecordBatch, *, as_of: date | None, today: date) -> ToldColumns:
    texts = [_text_of(cell) for cell in _cells(batch.column(REQUEST))]
    days = batch.column(AS_OF) if AS_OF in batch.schema.names else pa.nulls(batch.num_rows, pa.date32())
    columns, left = nobody(batch.num_rows), np.ones(batch.num_rows, np.bool_)
    for places, told in read_texts(texts, days, as_of=as_of, today=today):
        columns = with_others(columns, told, rows=places, refused={})._replace(single_count=0)
        left[places] = False
    rows = left.nonzero()[0]
    if not len(rows):
        return columns
    return _read_one_by_one(columns, batch.take(rows), rows, as_of=as_of, today=today)


def _text_of(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else b"" if cell is None else str(cell).encode()


def _ensure_has_runners(schema: pa.Schema) -> None:
    ours = [name for name in schema.names if name in {REQUEST, AS_OF} or name.partition(".")[0] in PARTS]
    if set(ours) <= {AS_OF}:
        detail = "There is no column 'request', 'runner' or 'training', and none that begins with 'runner.' or so."
        raise InvalidInputError([Fault("", "missing", detail)])
    if len(set(ours)) < len(ours):
        raise InvalidInputError([Fault("", "contradiction", "Two columns have the same name.")])


def _take_apart(batch: pa.RecordBatch) -> tuple[dict[str, ArrowArray], Mask]:
    """The cells by dotted path, structs taken apart, and the rows in which two columns tell one field."""
    leaves: dict[str, ArrowArray] = {}
    odd = np.zeros(batch.num_rows, np.bool_)

    def add(path: str, cells: ArrowArray) -> None:
        if pa.types.is_struct(cells.type):
            for field, member in zip(cells.type, cells.flatten(), strict=True):
                add(f"{path}.{field.name}", member)
        elif path in leaves:
            odd[:] |= told_in(cells) | told_in(leaves[path])
        else:
            leaves[path] = cells

    for name, cells in zip(batch.schema.names, batch.columns, strict=True):
        if name == AS_OF or name.partition(".")[0] in PARTS:
            add(name, cells)
    return leaves, odd


def _read_one_by_one(
    columns: ToldColumns, batch: pa.RecordBatch, rows: Whole, *, as_of: date | None, today: date
) -> ToldColumns:
    reads: list[ReadRequest] = []
    placed: list[int] = []
    refused: dict[int, Fault] = {}
    for row, (text, beside) in zip(rows.tolist(), _read_bodies(batch), strict=True):
        try:
            reads.append(read_request(text, today=today, as_of=beside or as_of, faults_enough=0))
            placed.append(row)
        except InvalidInputError as refusal:
            refused[row] = refusal.faults[0]
    return with_others(columns, told_by_requests(reads), rows=np.array(placed, np.int64), refused=refused)


class _Body(NamedTuple):
    """A row as a request in JSON, and the day that stands beside it."""

    text: bytes
    as_of: date | None


def _read_bodies(batch: pa.RecordBatch) -> Iterator[_Body]:
    """The rows as requests in JSON, one by one."""
    names = batch.schema.names
    days = _cells(batch.column(AS_OF)) if AS_OF in names else [None] * batch.num_rows
    if REQUEST in names:
        for text, day in zip(_cells(batch.column(REQUEST)), days, strict=True):
            body = _text_of(text)
            # a cell that is no day is put where its fault will be found
            yield _Body(body, day) if day is None or type(day) is date else _Body(_with_day(body, day), None)
        return
    paths = [name.split(".") for name in names if name.partition(".")[0] in PARTS]
    columns = [_told_cells(batch.column(".".join(path))) for path in paths]
    for row, day in enumerate(days):
        told: Told = {} if day is None else {AS_OF: _as_on_the_wire(day)}
        told |= {part: {} for part in PARTS}
        for path, column in zip(paths, columns, strict=True):
            if (found := column[row]) is not None:
                _put(told, path, found)
        yield _Body(to_json(told, inf_nan_mode="constants"), None)


_NOTHING_KNOWN = {"": True}
"""Stands for a cell that nothing on the wire is written like, and is refused as such."""


def _cells(column: ArrowArray) -> list[Any]:
    """Cells as Python has them; one that Python has no form for (the year 12000) stands as nothing known."""
    try:
        cells: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        return [_cell(one) for one in column]
    return cells


def _cell(one: Any) -> object:
    try:
        cell: object = one.as_py()
    except (ValueError, OverflowError):
        return _NOTHING_KNOWN
    return cell


def _told_cells(column: ArrowArray) -> list[Any]:
    """What the cells say in JSON; how is settled once by the type of the column, not for every member of a cell."""
    say = _saying(column.type)
    return [say(cell) for cell in _cells(column)]


def _saying(kind: pa.DataType) -> Callable[[Any], object]:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        say = _saying(kind.value_type)
        return lambda cell: [say(member) for member in cell] if isinstance(cell, list) else cell
    if pa.types.is_struct(kind) and all(_is_said_as_it_is(field.type) for field in kind):
        return _told_members
    return _as_it_is if _is_said_as_it_is(kind) else _as_on_the_wire


def _is_said_as_it_is(kind: pa.DataType) -> bool:
    return (
        pa.types.is_integer(kind)
        or pa.types.is_float32(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date32(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
    )


def _as_it_is(cell: Any) -> object:
    return cell


def _told_members(cell: Any) -> object:
    return {name: member for name, member in cell.items() if member is not None} or None if cell else None


def _with_day(body: bytes, day: object) -> bytes:
    """The request with the day that stands beside it, unless it names one itself."""
    try:
        told = json.loads(body)
    except ValueError:
        return body
    if not isinstance(told, dict) or told.get(AS_OF) is not None:
        return body
    return _write({**told, AS_OF: _as_on_the_wire(day)})


def _put(told: Told, path: list[str], found: object) -> None:
    *owners, name = path
    for owner in owners:
        inner = told.setdefault(owner, {})
        if not isinstance(inner, dict):
            return
        told = inner
    told[name] = _merged(told.get(name), found)


def _merged(one: object, other: object) -> object:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return {**one, **{name: _merged(one.get(name), member) for name, member in other.items()}}


def _as_on_the_wire(found: object) -> object:
    """What a cell says in JSON: nothing that is null, days and moments as text."""
    if found is None or isinstance(found, str | bool | int | float):
        return found
    if isinstance(found, dict):
        members = {name: said for name, member in found.items() if (said := _as_on_the_wire(member)) is not None}
        return members or None
    if isinstance(found, list):
        return [_as_on_the_wire(member) for member in found]
    if isinstance(found, datetime | date):
        return found.isoformat()
    if isinstance(found, Decimal):
        return float(found)
    return _NOTHING_KNOWN


def _write(told: Told) -> bytes:
    return json.dumps(told).encode()
