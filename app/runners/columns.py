"""Requests in Arrow columns: three forms of the same rows, each turned into the request that it would be on the wire.

What stands in a column means what it means on the wire. Null is "not told"; an object whose members are all null is
not told either, because many writers of Parquet cannot say the one without the other.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import pyarrow as pa

from app.errors import Fault, InvalidInputError

Told: TypeAlias = dict[str, object]

REQUEST = "request"
AS_OF = "as_of"
PARTS = ("runner", "training")


def ensure_has_runners(schema: pa.Schema) -> None:
    """Raises unless a batch of this schema can hold runners.

    Raises:
        InvalidInputError: there is no column `request`, `runner`, `training`, `runner.…` or `training.…`.
    """
    if not any(name == REQUEST or name.partition(".")[0] in PARTS for name in schema.names):
        detail = "There is no column 'request', 'runner' or 'training', and none that begins with 'runner.' or so."
        raise InvalidInputError([Fault("", "missing", detail)])


class Body(NamedTuple):
    """A row as a request in JSON, and the day that stands beside it."""

    text: bytes
    as_of: date | None


def read_bodies(batch: pa.RecordBatch) -> Iterator[Body]:
    """The rows as requests in JSON, one by one.

    A column `request` holds them as text, and then no other column but `as_of` is looked at. Otherwise `runner` and
    `training` are structs as on the wire, or columns named by dotted paths (`runner.knee.pain_now`), or both.
    """
    names = batch.schema.names
    days = batch.column(AS_OF).to_pylist() if AS_OF in names else [None] * batch.num_rows
    if REQUEST in names:
        for text, day in zip(batch.column(REQUEST).to_pylist(), days, strict=True):
            body = b"" if text is None else text if isinstance(text, bytes) else str(text).encode()
            # a cell that is no day is put where its fault will be found
            yield Body(body, day) if day is None or type(day) is date else Body(_with_day(body, day), None)
        return
    wanted = [name for name in names if name.partition(".")[0] in PARTS]
    columns = [batch.column(name).to_pylist() for name in wanted]
    for row, day in enumerate(days):
        told: Told = {} if day is None else {AS_OF: _as_on_the_wire(day)}
        told |= {part: {} for part in PARTS}
        for name, column in zip(wanted, columns, strict=True):
            _put(told, name.split("."), _as_on_the_wire(column[row]))
        yield Body(_write(told), None)


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
    if found is None:
        return
    *owners, name = path
    for owner in owners:
        inner = told.setdefault(owner, {})
        if not isinstance(inner, dict):
            return
        told = inner
    already = told.get(name)
    told[name] = {**already, **found} if isinstance(already, dict) and isinstance(found, dict) else found


def _as_on_the_wire(found: object) -> object:
    """What a cell says in JSON: nothing that is null, days and moments as text."""
    if isinstance(found, Mapping):
        members = {name: said for name, member in found.items() if (said := _as_on_the_wire(member)) is not None}
        return members or None
    if isinstance(found, list):
        return [_as_on_the_wire(member) for member in found]
    if isinstance(found, datetime | date):
        return found.isoformat()
    if isinstance(found, Decimal):
        return float(found)
    if found is None or isinstance(found, str | bool | int | float):
        return found
    return {"": None}  # bytes, durations and the like: nothing on the wire is written so, and it is refused as such


def _write(told: Told) -> bytes:
    return json.dumps(told).encode()
