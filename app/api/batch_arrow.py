"""Record batches as they come in, scored by the column evaluator, and answered with record batches."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from io import IOBase
from typing import Any, Final, TypeGuard, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from app.api.arrow_frames import RECORDS, SCHEMA, Frame, cut_frames
from app.api.batch_rows import RowScorer
from app.api.problems import MalformedCallError
from app.api.streams import Feed, Outlet, StreamRoom
from app.errors import Fault, InvalidInputError
from app.runners import JOINTS
from app.scoring.columns import Contributions, answer_schema, score_columns
from app.telemetry import Telemetry

SLICE_ROWS: Final = 1_024
SLICE_BYTES: Final = 1_048_576
ELEMENTS_MOST: Final = 10_000
"""Elements in one cell; of sessions a runner may have 2,000, and more than that is for the row's own problem to say."""


class RecordStream:
    """The record batches of one call.

    Args:
        pieces: the body.
        scorer: how the rows of the call are scored.
    """

    def __init__(self, pieces: AsyncIterator[bytes], *, scorer: RowScorer) -> None:
        self._frames = cut_frames(pieces)
        self._scorer = scorer
        self._contributions: Contributions = "left_out" if scorer.detail == "scores" else "listed"
        self._schema_frame = b""

    async def open(self) -> None:
        """Reads the schema; to be awaited before the answer begins, so that a bad one is refused with a status.

        Raises:
            MalformedCallError: the body is no Arrow stream.
            InvalidInputError: there is no column that could hold runners, or a column of a kind that is not read.
        """
        frame = await anext(self._frames, None)
        if frame is None or frame.kind != SCHEMA:
            raise MalformedCallError("An Arrow stream begins with its schema.")
        self._schema_frame = frame.whole
        schema = self._read_schema(frame)
        faults = [
            Fault("", "wrong-type", "A column is of a kind that is not read here: lists, structs, texts, numbers are.")
            for field in schema
            if not _is_read(field.type)
        ]
        if faults:
            raise InvalidInputError(faults[:1])
        self._score(pa.RecordBatch.from_pylist([], schema=schema))

    def feed(self, *, room: StreamRoom, charge: Callable[[int], None]) -> Feed:
        """Answers batch by batch.

        Args:
            charge: takes runners from what the caller may still ask for; raises RateLimitedError.
        """

        async def feed(outlet: Outlet) -> None:
            sink = _Sink(outlet)
            with pa.ipc.new_stream(cast(IOBase, sink), answer_schema(contributions=self._contributions)) as writer:
                sink.pass_on()
                async for frame in self._frames:
                    if frame.kind != RECORDS:
                        raise MalformedCallError("An Arrow stream has one schema.")
                    batch = self._read_batch(frame)
                    charge(batch.num_rows)
                    for rows in _sliced(batch):
                        await outlet.has_room()
                        answered = await room.work_aside(partial(self._score, rows))
                        writer.write_batch(answered)
                        sink.pass_on()
            sink.pass_on()

        return feed

    def _score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        scorer = self._scorer
        answered = score_columns(
            scorer.rules,
            batch,
            as_of=scorer.as_of,
            today=scorer.today,
            contributions=self._contributions,
            notes=scorer.notes,
        )
        _count(scorer.telemetry, answered, digest=scorer.rules.digest)
        return answered

    def _read_schema(self, frame: Frame) -> pa.Schema:
        try:
            with pa.ipc.open_stream(frame.whole) as opened:
                schema = opened.schema
            for field in schema:
                _read_names(field)  # one that is no text is found here, and not on the way
        except (pa.ArrowException, OSError, UnicodeError):
            raise MalformedCallError("The schema of the Arrow stream cannot be read.") from None
        return schema

    def _read_batch(self, frame: Frame) -> pa.RecordBatch:
        try:
            with pa.ipc.open_stream(self._schema_frame + frame.whole) as opened:
                batch = opened.read_next_batch()
            batch.validate(full=True)
        except (pa.ArrowException, OSError):
            raise MalformedCallError("A record batch cannot be read.") from None
        if any(_longest(column) > ELEMENTS_MOST for column in batch.columns):
            raise MalformedCallError(f"A cell may hold {ELEMENTS_MOST} elements at most.")
        return batch


class _Sink:
    """A file for the library to write to, whose content goes on to the outlet."""

    closed = False

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._written: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._written.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def pass_on(self) -> None:
        if self._written:
            self._outlet.put(b"".join(self._written))
            self._written.clear()


def _is_read(kind: pa.DataType) -> bool:
    """Whether a column of this type takes about as much memory as its message has bytes, and can hold what is read.

    A list of structs without members holds any number of elements in no bytes; dictionaries, views and runs let many
    cells share the same bytes. A list of nulls is how a writer spells lists that are all empty; see `_longest`.
    """
    if _is_list(kind):
        return pa.types.is_null(kind.value_type) or (_is_read(kind.value_type) and _has_bytes(kind.value_type))
    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_read(kind.field(index).type) for index in range(kind.num_fields))
    return (
        pa.types.is_null(kind)
        or pa.types.is_primitive(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_decimal(kind)
    )


def _is_list(kind: pa.DataType) -> TypeGuard["pa.ListType[Any]"]:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _has_bytes(kind: pa.DataType) -> bool:
    """Whether each cell of this type takes room in its message, so that there cannot be any number of them."""
    if pa.types.is_struct(kind):
        return any(_has_bytes(kind.field(index).type) for index in range(kind.num_fields))
    return not pa.types.is_null(kind)


def _read_names(field: Any) -> str:
    kind = field.type
    for index in range(kind.num_fields):
        _read_names(kind.field(index))
    return str(field.name)


def _longest(column: Any) -> int:
    """Elements of the longest list in a column, however deep it stands; of nulls, one is too many."""
    kind = column.type
    if pa.types.is_struct(kind):
        return max((_longest(column.field(index)) for index in range(kind.num_fields)), default=0)
    if not _is_list(kind):
        return 0
    longest: int = pc.max(pc.list_value_length(column)).as_py() or 0
    if pa.types.is_null(kind.value_type):
        return longest and ELEMENTS_MOST + 1
    return max(longest, _longest(column.values))


def _sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices of so many rows that others do not wait long for a thread that scores one."""
    begin = 0
    while begin < batch.num_rows:
        rows = SLICE_ROWS
        while rows > 1 and batch.slice(begin, rows).nbytes > SLICE_BYTES:
            rows //= 2
        yield batch.slice(begin, rows)
        begin += rows


def _count(telemetry: Telemetry, answered: pa.RecordBatch, *, digest: str) -> None:
    for joint in JOINTS:
        statuses, levels = (answered.column(f"{joint}_{name}").to_pylist() for name in ("status", "level"))
        for status, level in zip(statuses, levels, strict=True):
            if status is not None:
                telemetry.count("joint_risk_scored_joints", joint, status, level or "none", digest)
    for codes in answered.column("finding_codes").to_pylist():
        for code in codes or ():
            telemetry.count("joint_risk_findings", code)
