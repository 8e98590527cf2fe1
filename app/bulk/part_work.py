"""One part from its first row to its place: what a worker process does, again and again.

A part is there or not there. Its counts and its refused rows take their places first and the part itself last, so
whoever finds the part finds all three.
"""

import csv
import io
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import pyarrow as pa

from app.bulk.durable import write_json, written_whole
from app.bulk.manifest import Options
from app.bulk.parts import Part, form_of, locate, output_path
from app.bulk.tables import READERS, GroupedWriter
from app.bulk.tally import Tally
from app.errors import Fault, InvalidInputError, UnreadableFileError, UnusableFileError
from app.runners import Finding
from app.scoring.columns import score_columns
from app.scoring.compiled import CompiledRuleSet

WORK: Final = "_work"
REFUSED_COLUMNS: Final = ("part", "row", "id", "pointer", "code")

Moved = Callable[[int, int], None]


class Work(NamedTuple):
    """What is done to every part alike.

    Attributes:
        compared: rules whose levels are compared with.
        begun_on: the day in UTC when the run began.
        as_of: the day of rows that name none.
        notes: what every row says of the rules.
    """

    source: Path
    out: Path
    rules: CompiledRuleSet
    compared: CompiledRuleSet | None
    begun_on: date
    as_of: date
    options: Options
    notes: tuple[Finding, ...] = ()


class PartFiles(NamedTuple):
    """Where what a part becomes is."""

    scored: Path
    counts: Path
    refused: Path


def files_of(out: Path, part: Part, options: Options) -> PartFiles:
    """The files of a part that is done."""
    return PartFiles(
        out / output_path(part.path, options.form),
        out / WORK / f"{part.path}.counts.json",
        out / WORK / f"{part.path}.refused.csv",
    )


def score_part(part: Part, work: Work, *, moved: Moved) -> None:
    """Scores a part and puts it in its place.

    Args:
        moved: told of rows and input bytes as they are done.

    Raises:
        UnreadableFileError: the part cannot be read.
        UnusableFileError: it is not what its name says, or has no column that holds runners.
    """
    file = locate(work.source, part.path)
    try:
        _score(part, file, work, moved)
    except InvalidInputError as refused:
        raise UnusableFileError(part.path, refused.faults) from None
    except (pa.ArrowException, csv.Error, UnicodeError, EOFError, OSError) as failure:
        if isinstance(failure, OSError) and failure.errno is not None:  # the system's word, not a decoder's
            raise UnreadableFileError(str(failure.filename or file)) from failure
        detail = f"It is no {form_of(part.path)} file, or a damaged one."
        raise UnusableFileError(part.path, [Fault("", "unreadable-part", detail)]) from failure


def _score(part: Part, file: Path, work: Work, moved: Moved) -> None:
    files = files_of(work.out, part, work.options)
    tally = Tally()
    read_bytes = 0
    form = form_of(part.path)
    assert form is not None
    with ExitStack() as finishing:
        # The last to be entered takes its place first.
        scored = finishing.enter_context(written_whole(files.scored))
        refused = finishing.enter_context(written_whole(files.refused))
        writer: GroupedWriter | None = None
        for piece in READERS[form](file, work.options.keep):
            answered = _answer(piece.batch, work.rules, work)
            compared = None if work.compared is None else _answer(piece.batch, work.compared, work)
            _write_refused(refused, answered, part=part, row=tally.rows + 1)
            tally.add(answered, compared)
            answered = _with_kept(answered, piece.batch, work.options.keep)
            writer = writer or GroupedWriter(scored, answered.schema, form=work.options.form)
            writer.write(answered)
            moved(answered.num_rows, piece.read_bytes - read_bytes)
            read_bytes = piece.read_bytes
        assert writer is not None
        writer.close()
        write_json(files.counts, tally.tell())


def _answer(batch: pa.RecordBatch, rules: CompiledRuleSet, work: Work) -> pa.RecordBatch:
    return score_columns(
        rules,
        batch,
        as_of=work.as_of,
        today=work.begun_on,
        contributions="listed" if work.options.contributions else "left_out",
        notes=work.notes,
    )


def _with_kept(answered: pa.RecordBatch, batch: pa.RecordBatch, keep: tuple[str, ...]) -> pa.RecordBatch:
    missing = [name for name in keep if name not in batch.schema.names]
    if missing:
        raise InvalidInputError(
            [Fault(f"/{name}", "missing", f"There is no column {name} to keep.") for name in missing]
        )
    for name in keep:
        answered = answered.append_column(batch.schema.field(name), batch.column(name))
    return answered


def _write_refused(file: BinaryIO, answered: pa.RecordBatch, *, part: Part, row: int) -> None:
    """Adds the refused rows of a batch; rows of a part are counted from 1."""
    codes = answered.column("problem_code")
    if codes.null_count == len(codes):
        return
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    ids, pointers = answered.column("id").to_pylist(), answered.column("problem_pointer").to_pylist()
    for place, code in enumerate(codes.to_pylist()):
        if code is not None:
            lines.writerow((part.path, row + place, ids[place], pointers[place], code))
    file.write(text.getvalue().encode())


def is_done(out: Path, part: Part, options: Options) -> bool:
    """Whether a part is in its place."""
    return files_of(out, part, options).scored.exists()
