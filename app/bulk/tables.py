"""Parts as batches of columns: read in one of four forms and written in one of them, never more than a batch at once.

Writing is a matter of the rows alone: groups of a settled size, no moment, no machine. The same rows give the same
bytes, however they came in and however often the run was broken off.
"""

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date
from io import IOBase
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Protocol, cast

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from app.bulk.parts import Form

BATCH_ROWS: Final = 8_192
GROUP_ROWS: Final = 32_768
CELL_MOST_CHARACTERS: Final = 1_048_576
_ROW_MEMBERS: Final = ("id", "as_of", "request")
_IPC_FILE: Final = b"ARROW1"


class Piece(NamedTuple):
    """Some rows of a part, and how much of its file has been read with them."""

    batch: pa.RecordBatch
    read_bytes: int


Reader = Callable[[Path, tuple[str, ...]], Iterator[Piece]]


class Writer(Protocol):
    """Takes groups of rows in order."""

    def write(self, group: pa.Table) -> None:
        """Adds a group."""
        ...

    def close(self) -> None:
        """Writes what stands at the end; the file itself stays open."""
        ...


# ---------------------------------------------------------------------------------------------------------- reading


def _read_parquet(file: Path, _keep: tuple[str, ...]) -> Iterator[Piece]:
    size_bytes = file.stat().st_size
    # Buffering ahead would hold whole row groups, and threads would hold several.
    with pq.ParquetFile(file, pre_buffer=False, buffer_size=1_048_576) as opened:
        rows = max(1, opened.metadata.num_rows)
        done = 0
        for batch in opened.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
            done += batch.num_rows
            yield Piece(batch, size_bytes * done // rows)
        if not done:
            yield Piece(_empty(opened.schema_arrow), size_bytes)


def _read_arrow(file: Path, _keep: tuple[str, ...]) -> Iterator[Piece]:
    with pa.OSFile(str(file), "rb") as source:
        is_file = source.read(len(_IPC_FILE)) == _IPC_FILE
        source.seek(0)
        if is_file:
            with pa.ipc.open_file(source) as opened:
                for index in range(opened.num_record_batches):
                    yield from _sliced(opened.get_batch(index), source.tell())
                schema = opened.schema
        else:
            with pa.ipc.open_stream(source) as streamed:
                for batch in streamed:
                    yield from _sliced(batch, source.tell())
                schema = streamed.schema
        yield Piece(_empty(schema), source.tell())


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    """No rows, for a part that has none: its columns are still known by it."""
    return pa.RecordBatch.from_pylist([], schema=schema)


def _sliced(batch: pa.RecordBatch, read_bytes: int) -> Iterator[Piece]:
    batch.validate(full=True)
    for begin in range(0, batch.num_rows, BATCH_ROWS):
        yield Piece(batch.slice(begin, BATCH_ROWS), read_bytes)


def _read_csv(file: Path, keep: tuple[str, ...]) -> Iterator[Piece]:
    csv.field_size_limit(CELL_MOST_CHARACTERS)
    with file.open("rb") as raw, _unpacked(raw, file) as unpacked:
        lines = (line.decode("utf-8-sig" if number == 0 else "utf-8") for number, line in enumerate(unpacked))
        rows = csv.DictReader(lines, strict=True)
        names = rows.fieldnames or []
        if not any(name == "request" or name.partition(".")[0] in ("runner", "training") for name in names):
            # Left for the evaluator to refuse, as it refuses any columns that hold nobody.
            yield Piece(_empty(pa.schema([(name, pa.string()) for name in names])), 0)
            return
        read_row = _row_of_cells if "request" in names else _row_of_dotted
        yield from _gathered((({**read_row(row)}, row) for row in rows), raw, keep, has=set(names))


def _row_of_cells(row: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: row.get(name) or None for name in _ROW_MEMBERS}


def _row_of_dotted(row: Mapping[str, str | None]) -> dict[str, str | None]:
    """A request of cells that are named by dotted paths: what is JSON counts as that, all else is text."""
    told: dict[str, Any] = {"runner": {}, "training": {}}
    for name, cell in row.items():
        owner, *path = str(name).split(".")
        if owner not in told or not cell:
            continue
        _put(told, [owner, *path], _read_cell(cell))
    return {"id": row.get("id") or None, "as_of": row.get("as_of") or None, "request": json.dumps(told)}


def _read_cell(cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def _put(told: dict[str, Any], path: list[str], found: object) -> None:
    *owners, name = path
    for owner in owners:
        inner = told.setdefault(owner, {})
        if not isinstance(inner, dict):
            return
        told = inner
    told[name] = {**told[name], **found} if isinstance(told.get(name), dict) and isinstance(found, dict) else found


def _read_jsonl(file: Path, keep: tuple[str, ...]) -> Iterator[Piece]:
    with file.open("rb") as raw, _unpacked(raw, file) as unpacked:
        yield from _gathered((_row_of_line(line) for line in unpacked if not line.isspace()), raw, keep, has=set(keep))


def _row_of_line(line: bytes) -> tuple[dict[str, str | None], Mapping[str, str | None]]:
    """A line as it is sent in a stream, or with `runner` and `training` beside the id."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        # Left for whoever reads requests to refuse, at its place among the rows.
        return {"id": None, "as_of": None, "request": line.decode("utf-8", "replace").strip()}, {}
    beside = {name: _as_text(member) for name, member in told.items()}
    flat = {name: member for name, member in told.items() if name in ("runner", "training")}
    request = told.get("request", flat or None)
    row = {"id": beside.get("id"), "as_of": beside.get("as_of"), "request": json.dumps(request)}
    return row, beside


def _as_text(member: object) -> str | None:
    return member if member is None or isinstance(member, str) else json.dumps(member, ensure_ascii=False)


def _gathered(
    rows: Iterator[tuple[dict[str, str | None], Mapping[str, str | None]]],
    raw: BinaryIO,
    keep: tuple[str, ...],
    *,
    has: set[str],
) -> Iterator[Piece]:
    """Rows of texts as batches; the columns that are kept stand beside them."""
    kept = [name for name in keep if name in has]
    names = (*_ROW_MEMBERS, *(name for name in kept if name not in _ROW_MEMBERS))
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    count = 0
    for row, beside in rows:
        for name in names:
            columns[name].append(row[name] if name in _ROW_MEMBERS else beside.get(name))
        count += 1
        if count == BATCH_ROWS:
            yield Piece(_texts(columns), raw.tell())
            columns, count = {name: [] for name in names}, 0
    yield Piece(_texts(columns), raw.tell())


def _texts(columns: dict[str, list[str | None]]) -> pa.RecordBatch:
    # Half a character, which JSON can escape, is no text: put a mark in its place, as decoders do.
    arrays = [
        pa.array(
            [cell if cell is None else cell.encode("utf-8", "replace").decode() for cell in column], pa.large_string()
        )
        for column in columns.values()
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _unpacked(raw: BinaryIO, file: Path) -> Any:
    return gzip.GzipFile(fileobj=raw) if file.suffix.lower() == ".gz" else closing(_Whole(raw))


class _Whole:
    """A file whose lines are read, and which somebody else closes."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._raw.readline, b"")

    def close(self) -> None:
        """Nothing to do."""


READERS: Final[dict[Form, Reader]] = {
    "parquet": _read_parquet,
    "arrow": _read_arrow,
    "csv": _read_csv,
    "jsonl": _read_jsonl,
}


# ---------------------------------------------------------------------------------------------------------- writing


class _ParquetWriter:
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(file, schema, compression="zstd", version="2.6", store_schema=True)

    def write(self, group: pa.Table) -> None:
        self._writer.write_table(group, row_group_size=GROUP_ROWS)

    def close(self) -> None:
        self._writer.close()


class _ArrowWriter:
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._writer = pa.ipc.new_file(cast(IOBase, file), schema)

    def write(self, group: pa.Table) -> None:
        self._writer.write_table(group.combine_chunks(), max_chunksize=GROUP_ROWS)

    def close(self) -> None:
        self._writer.close()


class _CsvWriter:
    """Cells as text; what is a list stands as JSON in its cell."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        self._write_row(schema.names)

    def write(self, group: pa.Table) -> None:
        columns = [[_as_cell(told) for told in column.to_pylist()] for column in group.columns]
        for row in zip(*columns, strict=True):
            self._write_row(row)

    def close(self) -> None:
        pass

    def _write_row(self, row: Any) -> None:
        cells = (f'"{cell.replace(chr(34), chr(34) * 2)}"' if _NEEDS_QUOTES & set(cell) else cell for cell in row)
        self._file.write(",".join(cells).encode() + b"\n")


_NEEDS_QUOTES: Final = frozenset('",\r\n')


def _as_cell(told: object) -> str:
    if told is None:
        return ""
    if isinstance(told, str):
        return told
    return told.isoformat() if isinstance(told, date) else json.dumps(told, ensure_ascii=False, default=str)


class _JsonlWriter:
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file

    def write(self, group: pa.Table) -> None:
        for row in group.to_pylist():
            self._file.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")

    def close(self) -> None:
        pass


WRITERS: Final[dict[Form, Callable[[BinaryIO, pa.Schema], Writer]]] = {
    "parquet": _ParquetWriter,
    "arrow": _ArrowWriter,
    "csv": _CsvWriter,
    "jsonl": _JsonlWriter,
}


class GroupedWriter:
    """Writes batches of any size in groups of one size."""

    def __init__(self, file: BinaryIO, schema: pa.Schema, *, form: Form) -> None:
        self._schema = schema
        self._writer = WRITERS[form](file, schema)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        while self._waiting_rows >= GROUP_ROWS:
            table = pa.Table.from_batches(self._waiting, self._schema)
            self._writer.write(table.slice(0, GROUP_ROWS))
            self._waiting = table.slice(GROUP_ROWS).to_batches()
            self._waiting_rows -= GROUP_ROWS

    def close(self) -> None:
        """Writes the rest."""
        if self._waiting_rows:
            self._writer.write(pa.Table.from_batches(self._waiting, self._schema))
        self._writer.close()
