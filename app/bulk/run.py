"""A run: a manifest, parts scored side by side in processes, and a summary. Broken off at any moment, it goes on.

Each worker takes whole parts, largest first, so an input of several files uses several cores, and one large file one.
"""

import fcntl
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import date
from multiprocessing.connection import wait as wait_for_end
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from app.bulk.durable import UNFINISHED, sweep, sync_folder, write_json, write_whole, written_whole
from app.bulk.manifest import MANIFEST, Manifest, Options, RulesName, check_same, read_manifest, write_manifest
from app.bulk.part_work import REFUSED_COLUMNS, WORK, Work, files_of, is_done, score_part
from app.bulk.parts import Part, check_outputs, find_parts
from app.bulk.tally import Tally
from app.errors import (
    ChangedRunError,
    Fault,
    InvalidInputError,
    JointRiskError,
    UnreadableFileError,
    UnusableFileError,
    WorkDiedError,
)
from app.rule_sets.documents import load_document
from app.scoring.columns import ANSWER_SCHEMA, CONTRIBUTIONS_FIELD
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.findings import WITHDRAWN

SUCCESS: Final = "_SUCCESS"
SUMMARY: Final = "_summary.json"
REFUSED: Final = "_refused.csv"
_LOCK: Final = "_lock"
_LOOK_S: Final = 0.2


class RulesFile(NamedTuple):
    """Rules in the form in which they go to other processes: as they were published.

    Attributes:
        is_withdrawn: whether they have been withdrawn since; rows say so.
    """

    version: str
    digest: str
    canonical: bytes
    is_withdrawn: bool = False

    @property
    def name(self) -> RulesName:
        """What names them."""
        return RulesName(self.version, self.digest)

    def compile(self) -> CompiledRuleSet:
        """The rules, ready to score."""
        document = load_document(self.canonical, media_type="application/json")
        return compile_rule_set(document, version=self.version, digest=self.digest)


class Progress(NamedTuple):
    """How far a run is; parts that were done before it went on count from its start."""

    rows: int
    read_bytes: int
    all_bytes: int


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
        parts_before: parts that were in their places when it went on.
    """

    manifest: Manifest
    tally: Tally
    parts_before: int


def begin_run(
    source: Path,
    out: Path,
    *,
    rules: RulesFile,
    compared: RulesFile | None,
    today: date,
    as_of: date | None,
    options: Options,
) -> Manifest:
    """Begins a run, or takes up the one that was begun in this folder with the same.

    Args:
        today: the day in UTC; a run that goes on keeps the day on which it was begun.
        as_of: the day of rows that name none; None takes that on which the run was begun.

    Raises:
        ChangedRunError: it was begun with something else, or the folder holds other things.
        UnreadableFileError, UnusableFileError: the input has no parts that can be read.
        InvalidInputError: an option cannot be.
    """
    _ensure_apart(source, out)
    _ensure_options(options)
    out.mkdir(parents=True, exist_ok=True)
    parts = tuple(find_parts(source))
    same = check_outputs(list(parts), options.form)
    if same:
        raise UnusableFileError(str(source), same)
    begun = read_manifest(out)
    begun_on = today if begun is None else begun.begun_on
    before = begun_on if begun is None else begun.as_of
    name = None if compared is None else compared.name
    # What was begun goes on as it was begun, though the rules be withdrawn in between: all parts are to say the same.
    is_withdrawn = rules.is_withdrawn if begun is None else begun.is_withdrawn
    now = Manifest(begun_on, before if as_of is None else as_of, rules.name, name, options, parts, is_withdrawn)
    if begun is None:
        _ensure_empty(out)
        write_manifest(out, now)
    elif differences := check_same(begun, now):
        raise ChangedRunError(differences)
    return now


def finish_run(
    source: Path,
    out: Path,
    *,
    manifest: Manifest,
    rules: RulesFile,
    compared: RulesFile | None,
    workers: int | None,
    tell: Callable[[Progress], None] = lambda _progress: None,
) -> Outcome:
    """Scores every part that is not done yet, and says what all came to.

    Args:
        workers: processes, each taking whole parts; None is one for each core.
        tell: called several times a second.

    Raises:
        ChangedRunError: another process is at work in this folder.
        UnreadableFileError, UnusableFileError: a part cannot be used; parts that were done stay.
        WorkDiedError: a worker was killed; the run can go on.
    """
    with _alone(out):
        sweep(out)
        options = manifest.options
        to_do = [part for part in manifest.parts if not is_done(out, part, options)]
        before = len(manifest.parts) - len(to_do)
        if not (out / SUCCESS).exists():
            _score_all(_Task(source, out, manifest, rules, compared), to_do, workers or core_count(), tell)
            _conclude(out, manifest)
        shutil.rmtree(out / WORK, ignore_errors=True)
        return Outcome(manifest, _read_summary(out), before)


def _conclude(out: Path, manifest: Manifest) -> None:
    """Puts together what the parts came to; done again from the start if it was broken off."""
    tally = Tally()
    with written_whole(out / REFUSED) as refused:
        refused.write((",".join(REFUSED_COLUMNS) + "\n").encode())
        for part in manifest.parts:
            files = files_of(out, part, manifest.options)
            tally.add_all(_read_json(files.counts))
            with files.refused.open("rb") as rows:
                shutil.copyfileobj(rows, refused)
    write_json(out / SUMMARY, tally.tell())
    write_whole(out / SUCCESS, "")
    sync_folder(out)


def core_count() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read_summary(out: Path) -> Tally:
    tally = Tally()
    tally.add_all(_read_json(out / SUMMARY))
    return tally


def _read_json(file: Path) -> Any:
    return json.loads(file.read_bytes())


# ----------------------------------------------------------------------------------------------------- before it begins


def _ensure_apart(source: Path, out: Path) -> None:
    inner, outer = source.resolve(), out.resolve()
    if inner == outer or inner in outer.parents or (outer in inner.parents and source.is_dir()):
        detail = "Input and output have to lie apart, or a run would read what it wrote."
        raise InvalidInputError([Fault("/OUT", "not-apart", detail)])


def _ensure_options(options: Options) -> None:
    taken = {*ANSWER_SCHEMA.names, CONTRIBUTIONS_FIELD.name}
    faults = [
        Fault(f"/keep/{name}", "name-taken", f"A column {name} is there already.")
        for place, name in enumerate(options.keep)
        if name in taken or name in options.keep[:place]
    ]
    if faults:
        raise InvalidInputError(faults)


def _ensure_empty(out: Path) -> None:
    if any(not file.name.endswith(UNFINISHED) for file in out.iterdir()):
        detail = f"The folder is not empty and holds no {MANIFEST}. Choose another, or empty it."
        raise ChangedRunError([Fault("", "not-empty", detail)])


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keeps every other run out of the folder; the system lets go of it when this process ends, however it ends."""
    opened = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        detail = "Another process is at work in this folder. Wait for it, or end it."
        raise ChangedRunError([Fault("", "in-use", detail)]) from None
    finally:
        os.close(opened)


# ------------------------------------------------------------------------------------------------------- the processes

_ROWS, _BYTES = 0, 1


class _Task(NamedTuple):
    source: Path
    out: Path
    manifest: Manifest
    rules: RulesFile
    compared: RulesFile | None

    def prepare(self) -> Work:
        """What a worker does to parts, with the rules compiled."""
        return Work(
            self.source,
            self.out,
            self.rules.compile(),
            None if self.compared is None else self.compared.compile(),
            self.manifest.begun_on,
            self.manifest.as_of,
            self.manifest.options,
            (WITHDRAWN,) if self.manifest.is_withdrawn else (),
        )


def _score_all(task: _Task, to_do: list[Part], workers: int, tell: Callable[[Progress], None]) -> None:
    all_bytes = sum(part.size_bytes for part in task.manifest.parts)
    done_bytes = all_bytes - sum(part.size_bytes for part in to_do)
    if not to_do:
        tell(Progress(0, done_bytes, all_bytes))
        return
    if min(workers, len(to_do)) == 1:
        _score_here(task, to_do, lambda rows, read_bytes: tell(Progress(rows, done_bytes + read_bytes, all_bytes)))
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may inherit a lock that is held
    moved = context.Array("q", 2)
    # The largest first, so that no worker is left alone with it in the end.
    in_order = sorted(to_do, key=lambda part: -part.size_bytes)
    pool = ProcessPoolExecutor(min(workers, len(to_do)), context, initializer=_begin_worker, initargs=(task, moved))
    try:
        waiting: set[Future[JointRiskError | None]] = {pool.submit(_work, part) for part in in_order}
        while waiting:
            done, waiting = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            for each in done:
                if (refused := each.result()) is not None:
                    raise refused
            tell(Progress(moved[_ROWS], done_bytes + moved[_BYTES], all_bytes))
    except BrokenProcessPool:
        raise WorkDiedError from None
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()  # parts are whole or not there, so nobody has to be waited for
        pool.shutdown(cancel_futures=True)


def _score_here(task: _Task, to_do: list[Part], moved: Callable[[int, int], None]) -> None:
    """Without a process that would be the only one."""
    work = task.prepare()
    rows = read_bytes = 0

    def add(more_rows: int, more_bytes: int) -> None:
        nonlocal rows, read_bytes
        rows += more_rows
        read_bytes += more_bytes
        moved(rows, read_bytes)

    for part in to_do:
        score_part(part, work, moved=add)


_work_in_hand: Work | None = None
_moved: "SynchronizedArray[int] | None" = None


def _begin_worker(task: _Task, moved: "SynchronizedArray[int]") -> None:
    global _work_in_hand, _moved
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began the run ends it
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    _work_in_hand, _moved = task.prepare(), moved


def _end_with_parent() -> None:
    """A worker whose run was killed would finish a part that the next run has begun anew."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)


def _work(part: Part) -> JointRiskError | None:
    """Scores a part; a refusal is given back, because what is raised is not whole on the other side."""
    assert _work_in_hand is not None
    try:
        score_part(part, _work_in_hand, moved=_note)
    except UnusableFileError as refused:
        return UnusableFileError(refused.path, refused.faults)
    except UnreadableFileError as refused:
        return UnreadableFileError(refused.path)
    return None


def _note(rows: int, read_bytes: int) -> None:
    assert _moved is not None
    with _moved.get_lock():
        _moved[_ROWS] += rows
        _moved[_BYTES] += read_bytes
