"""Work that is slow, or that reads what strangers made, is done in a process of its own and never slows a score.

A job is a function of a module, named by reference. It is called in a new process that starts warm, with the modules
of `preload` imported already, and ends with the job; nothing of one job is left for the next.

    checks = Workshop("checks", deadline_s=60, memory_bytes=512 * MIB, waiting_most=4, preload=["app.rule_sets.checks"])
    found = await checks.run(check_canonical, canonical, predecessors)   # from a route
    found = checks.do(check_canonical, canonical, predecessors)          # from a thread
    moved = await checks.run(compare_cohort, a, b, chunks=body)          # body: an async iterator of bytes

- **Arguments** are what `pickle` takes. With `chunks`, the job's first argument is an iterator of those bytes: they go
  over as they come, no more of them is held than a pipe holds, and whoever sends them waits for the job.
- **The answer** is `bytes`, or what JSON can hold (a tuple comes back as a list). It is not unpickled: a job that was
  taken over by what it read must not get a hand on us. An error of ours that a job raises is raised again here.
- **Inside**, the process has no environment (so no address of a store and no key), opens no socket and no database,
  starts no other process, writes no file, reads none but code and time zones (and of those folders nothing that is
  `out_of_reach`), prints nowhere, leaves no core, and yields the processor to scoring. It is a fence around Python code
  that is led astray, not a wall: machine code that broke out of Python would be the service's user on this machine.
- **One job a bench at a time**; `waiting_most` more wait, and the next is refused. The deadline counts from when the
  job begins.
"""

import asyncio
import json
import logging
import math
import os
import resource
import signal
import sys
import traceback
import zoneinfo
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Event, Lock, Timer
from typing import Any, Final, NamedTuple, TypeVar, cast

from app.errors import (
    Fault,
    JointRiskError,
    OverloadedError,
    WorkDiedError,
    WorkTimedOutError,
    WorkTooLargeError,
)

MIB: Final = 1_048_576
ANSWER_MOST_BYTES: Final = 64 * MIB
_NICENESS: Final = 10
_DYING_MOST_S: Final = 1.0
_LOOK_AGAIN_S: Final = 0.2
_ENVIRONMENT_KEPT: Final = ("LANG", "LC_ALL", "PATH", "TZ")
# What nothing that is done here has a reason to do. A fence for code that is led astray, beside the limits below that
# the system itself keeps.
_REFUSED_EVENTS: Final = (
    "socket.", "sqlite3.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.",
)  # fmt: skip
# Where Linux shows the environment that this process and its parents were started with, and where secrets are mounted.
_REFUSED_FOLDERS: Final = (Path("/proc"), Path("/run"))
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

log = logging.getLogger("joint_risk.workshop")
Answer = TypeVar("Answer")


class Limits(NamedTuple):
    """What a job may use, and what it may not open although it lies beside code."""

    deadline_s: float
    memory_bytes: int
    out_of_reach: tuple[Path, ...] = ()


class Feed(NamedTuple):
    """What a job is sent while it works, and the loop that it comes by."""

    chunks: AsyncIterable[bytes]
    loop: asyncio.AbstractEventLoop


class Workshop:
    """Does jobs in processes of their own, one a bench at a time, and refuses more than can soon be done.

    Args:
        name: what the log calls it.
        deadline_s: how long a job may take, from when it begins.
        memory_bytes: how much memory its process may ask for, the warm modules included.
        waiting_most: how many jobs may wait for a bench.
        benches: how many are done at a time.
        preload: modules that jobs need, imported once, before the first.
        out_of_reach: files and folders that no job may open, also where they lie beside code, as a store in a checkout.

    Attributes:
        limits: of each job.
        seats: how many jobs may be in hand or wait.
    """

    def __init__(
        self,
        name: str,
        *,
        deadline_s: float,
        memory_bytes: int,
        waiting_most: int,
        benches: int = 1,
        preload: Sequence[str] = (),
        out_of_reach: Sequence[Path] = (),
    ) -> None:
        self.name = name
        self.limits = Limits(deadline_s, memory_bytes, tuple(path.resolve() for path in out_of_reach))
        self.seats = benches + waiting_most
        self._seated = 0
        self._lock = Lock()
        self._at_work: set[ForkServerProcess] = set()
        self._closed = False
        self._threads = ThreadPoolExecutor(benches, thread_name_prefix=name)
        _warm.update(preload)
        get_context("forkserver").set_forkserver_preload(sorted(_warm))

    @property
    def is_busy(self) -> bool:
        """Whether a job is in hand."""
        return bool(self._at_work)

    @property
    def jobs_waiting(self) -> int:
        """How many jobs are in hand or wait for a bench."""
        return self._seated

    async def run(
        self, job: Callable[..., Answer], *arguments: Any, chunks: AsyncIterable[bytes] | None = None
    ) -> Answer:
        """What the job answers.

        Raises:
            OverloadedError: as many jobs as may wait are waiting already.
            WorkTimedOutError: it was not done by the deadline.
            WorkTooLargeError: it asked for more memory than it may have.
            WorkDiedError: its process ended without an answer, or with an error that nobody foresaw, which was logged.
            JointRiskError: whatever error of ours the job raised.
        """
        feed = None if chunks is None else Feed(chunks, asyncio.get_running_loop())
        return await asyncio.wrap_future(self._begin(job, arguments, feed))

    def do(self, job: Callable[..., Answer], *arguments: Any) -> Answer:
        """The same for callers that block; raises the same."""
        return self._begin(job, arguments, None).result()

    def close(self) -> None:
        """Ends every job in hand; those that wait are never begun."""
        with self._lock:
            self._closed = True
            for process in self._at_work:
                process.kill()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, job: Callable[..., Answer], arguments: Sequence[Any], feed: Feed | None) -> "Future[Answer]":
        with self._lock:
            if self._seated >= self.seats:
                raise OverloadedError
            self._seated += 1
        try:
            begun = self._threads.submit(self._have_done, job, arguments, feed)
        except RuntimeError:  # closed in between
            self._leave_seat()
            raise OverloadedError from None
        begun.add_done_callback(self._leave_seat)
        return begun

    def _leave_seat(self, _done: object = None) -> None:
        with self._lock:
            self._seated -= 1

    def _have_done(self, job: Callable[..., Answer], arguments: Sequence[Any], feed: Feed | None) -> Answer:
        context = get_context("forkserver")
        answers, answering = context.Pipe(duplex=False)
        fed, feeding = (None, None) if feed is None else context.Pipe(duplex=False)
        process = context.Process(
            target=_labour, args=(answering, fed, self.limits, job, tuple(arguments)), name=self.name, daemon=True
        )
        is_late = Event()

        def stop() -> None:
            is_late.set()
            process.kill()

        late = Timer(self.limits.deadline_s, stop)
        try:
            self._start(process)
            late.start()
            answering.close()  # so that the end of the process is the end of what can be read
            if fed is not None:
                fed.close()
            if feed is not None and feeding is not None:
                _hand_over(feed.chunks, feed.loop, feeding=feeding, process=process)
            told = _received(answers)
            if told is None:
                process.join(_DYING_MOST_S)  # for its own exit code
        finally:
            late.cancel()
            if late.is_alive():
                late.join()  # it may be ringing just now, and the process has to be there for it
            for end in (answers, answering, fed, feeding):
                if end is not None:
                    end.close()
            code = self._end(process)
        if is_late.is_set() or code in (-signal.SIGXCPU, -signal.SIGALRM):
            raise WorkTimedOutError(self.limits.deadline_s)
        if told is None:
            log.error("A job of %s ended without an answer (exit code %s).", self.name, code)
            raise WorkDiedError
        return cast(Answer, self._read(told))

    def _start(self, process: ForkServerProcess) -> None:
        try:
            process.start()
        except (EOFError, OSError) as failure:  # the server that starts them is gone; the next one gets another
            log.error("A job of %s could not be begun: %s.", self.name, type(failure).__name__)
            raise WorkDiedError from None
        with self._lock:
            self._at_work.add(process)
            if self._closed:
                process.kill()

    def _end(self, process: ForkServerProcess) -> int | None:
        """Leaves nothing of the process; its exit code, None where it never began."""
        if process.pid is None:
            return None
        process.kill()
        process.join()
        with self._lock:
            self._at_work.discard(process)
        code = process.exitcode
        process.close()
        return code

    def _read(self, told: bytes) -> Any:
        """The answer, or the error that was told in its place."""
        kind, _, body = told.partition(b":")
        if kind == b"bytes":
            return body
        said = json.loads(body)
        if kind == b"json":
            return said
        if kind == b"memory":
            raise WorkTooLargeError(self.limits.memory_bytes)
        if kind == b"error":
            raise _error_again(said)
        log.error("A job of %s failed: %s", self.name, said)
        raise WorkDiedError


_warm: set[str] = set()


def _hand_over(
    chunks: AsyncIterable[bytes], loop: asyncio.AbstractEventLoop, *, feeding: Connection, process: ForkServerProcess
) -> None:
    """Sends the chunks of a loop, from a thread beside it, each asked for when the one before it was taken."""
    coming = aiter(chunks)

    async def following() -> bytes | None:
        return await anext(coming, None)

    while True:
        asked = asyncio.run_coroutine_threadsafe(following(), loop)
        while not asked.done():
            wait([asked], timeout=_LOOK_AGAIN_S)
            if not process.is_alive():
                asked.cancel()
                return
        chunk = asked.result()
        if chunk is None:
            feeding.close()
            return
        try:
            feeding.send_bytes(chunk)
        except BrokenPipeError:
            return  # the job has ended, or needs no more: its answer says which


def _received(answers: Connection) -> bytes | None:
    """What a process told before it ended; None where it told nothing, or more than anybody should hold."""
    try:
        return answers.recv_bytes(ANSWER_MOST_BYTES)
    except (EOFError, OSError):
        return None


def _error_again(said: dict[str, Any]) -> JointRiskError:
    """An error of ours as it was raised in the process: of a class that exists here, with facts that JSON can hold."""
    kinds = {kind.__name__: kind for kind in _kinds_below(JointRiskError)}
    kind = kinds.get(said["kind"])
    if kind is None:
        return WorkDiedError()
    error = kind.__new__(kind, said["facts"]["message"])
    error.__dict__.update(said["facts"])
    if "faults" in said["facts"]:
        error.__dict__["faults"] = [Fault(*fault) for fault in said["facts"]["faults"]]
    return error


def _kinds_below(kind: type[JointRiskError]) -> Iterator[type[JointRiskError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds_below(below)


# ------------------------------------------------------------------------------------------------- inside the process


def _labour(
    answering: Connection,
    fed: Connection | None,
    limits: Limits,
    job: Callable[..., object],
    arguments: tuple[object, ...],
) -> None:
    """Does one job and tells its answer: what kind it is, a colon, and its bytes."""
    _fence_in(limits)
    given = arguments if fed is None else (_chunks(fed), *arguments)
    try:
        answer = job(*given)
        told = b"bytes:" + answer if isinstance(answer, bytes) else _told("json", answer)
    except MemoryError:
        told = b"memory:null"
    except JointRiskError as error:
        told = _told("error", {"kind": type(error).__name__, "facts": vars(error)})
    except Exception as failure:  # noqa: BLE001 - told without its message, which may repeat what was read
        frames = traceback.extract_tb(failure.__traceback__)
        lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        told = _told("failed", "\n  ".join([type(failure).__name__, *lines]))
    answering.send_bytes(told)


def _told(kind: str, said: object) -> bytes:
    return f"{kind}:{json.dumps(said, ensure_ascii=False)}".encode()


def _chunks(fed: Connection) -> Iterator[bytes]:
    while True:
        try:
            chunk = fed.recv_bytes()
        except EOFError:
            return
        yield chunk


def _fence_in(limits: Limits) -> None:
    """Takes away what a job has no business with, before it sees its first byte."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT_KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    sys.dont_write_bytecode = True
    os.nice(_NICENESS)
    processor_s = math.ceil(limits.deadline_s) + 1
    for kind, most in (
        (resource.RLIMIT_DATA, limits.memory_bytes),
        (resource.RLIMIT_CPU, processor_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # Whoever waits for the answer keeps the deadline; this ends the process where nobody waits any more.
    signal.alarm(processor_s)
    sys.addaudithook(_fence(closed=(*_REFUSED_FOLDERS, *limits.out_of_reach)))


def _fence(*, closed: Iterable[Path]) -> Callable[[str, tuple[Any, ...]], None]:
    """What Python asks before it does anything of note; it raises PermissionError where a job has no business."""
    shut, readable = tuple(closed), _readable_folders()

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED_EVENTS):
            raise PermissionError(event)
        if event != "open":
            return
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING:
            raise PermissionError(event)
        if isinstance(path, int):  # what is open already
            return
        named = Path(os.fsdecode(path))
        place = named.resolve()
        # As it is named too, because code may be a link to where an installer keeps it once for many.
        places = (place,) if ".." in named.parts else (place, named.absolute())
        if _is_below(place, shut) or not any(_is_below(each, readable) for each in places):
            raise PermissionError(event)

    return refuse


def _readable_folders() -> tuple[Path, ...]:
    """Where code and time zones lie: whatever a job imports late, and nothing else that it has to read."""
    told = {Path(place) for place in (*sys.path, *zoneinfo.TZPATH) if place} | {Path(__file__).parent}
    # Whoever is started in the root folder has it on the path of modules, and with it everything.
    return tuple({place for each in told for place in (each.absolute(), each.resolve())} - {Path("/")})


def _is_below(place: Path, folders: Iterable[Path]) -> bool:
    return any(place.is_relative_to(folder) for folder in folders)
