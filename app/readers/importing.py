"""An import from beginning to end: files in, the answer out, one bad file never at the cost of another.

`import_call` is what a worker process does for `POST /v1/training:import`; `read_into` is the same for one file, for
those who read many. Each file has its own bound on time, beside the bounds that its process has.
"""

import json
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from types import FrameType
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.errors import Fault, InvalidInputError, UnreadableTrainingError
from app.readers import find_reader, readable_media_types
from app.readers.activities import Reader, ReadingFinding
from app.readers.assembly import Collected, assemble
from app.readers.containers import Part, Room, unpack
from app.readers.content import Content
from app.readers.multipart import FIELD, read_parts
from app.runners.time_zones import load_time_zone

MULTIPART: Final = "multipart/form-data"
CALL_MOST_S: Final = 16.0
"""Then the files that are left are named as not read; the process has twenty seconds."""
FILE_MOST_S: Final = 12.0


class _OutOfTimeError(BaseException):
    """A file takes too long. Not an Exception, so that no reader that catches what a decoder throws catches this."""


def import_call(
    chunks: Iterable[bytes], content_type: str, today: str, as_of: str | None, time_zone: str | None
) -> bytes:
    """The answer to one call, as JSON.

    Args:
        chunks: the body.
        content_type: the header, as it came.
        today: in UTC.
        as_of: the day to import for, where it is not today.
        time_zone: of starts that are known in UTC alone.

    Raises:
        InvalidInputError: the body does not hold together, or not one file of it can be read.
    """
    zone = find_zone(time_zone)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == MULTIPART:
        files = read_parts(chunks, content_type=content_type)
        reader = None
    else:
        files = [Content(b"".join(chunks), name="body")]
        reader = readable_media_types().get(media_type)
    collected = read_files(files, reader=reader, until_s=time.monotonic() + CALL_MOST_S)
    if collected.refusals and not is_anything_read(collected):
        raise InvalidInputError(collected.refusals)
    answer = assemble(
        collected,
        today=date.fromisoformat(today),
        as_of=None if as_of is None else date.fromisoformat(as_of),
        zone=zone,
    )
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def find_zone(time_zone: str | None) -> ZoneInfo | None:
    """The IANA time zone of this name.

    Raises:
        InvalidInputError: there is none.
    """
    if time_zone is None:
        return None
    zone = load_time_zone(time_zone)
    if zone is None:
        raise InvalidInputError([Fault("/query/time_zone", "unknown-time-zone", "No IANA time zone has this name.")])
    return zone


def read_files(files: list[Content], *, reader: Reader | None, until_s: float) -> Collected:
    """What the files hold, those in archives included; what cannot be read is a finding.

    Args:
        files: taken out of the list one by one, so that none is held for longer than it is read.
        reader: their format, where the sender said which.
        until_s: on the monotonic clock; no file is begun later.
    """
    collected = Collected()
    room = Room()
    for place in range(len(files)):
        file, files[place] = files[place], Content(b"", name=files[place].name)
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            reason = "There was no time left for it. Send fewer files in a call."
            _refuse(collected, file.name, reason, pointer=_pointer(place))
            continue
        read_into(collected, file, place=place, room=room, reader=reader, most_s=min(FILE_MOST_S, left_s))
    return collected


def read_into(
    collected: Collected,
    file: Content,
    *,
    room: Room,
    place: int = 0,
    reader: Reader | None = None,
    most_s: float | None = None,
) -> None:
    """Adds what one file holds, or why it cannot be read; raises nothing of its own.

    Args:
        collected: what was read so far.
        file: may be an archive.
        room: what may still be unpacked.
        place: of the file among those that were sent.
        reader: its format, where the sender said which.
        most_s: seconds that it may take; None for no bound.
    """
    collected.files += 1
    passed_over = 0
    try:
        with _bounded(most_s):
            for part in unpack(file, room=room):
                if isinstance(part, ReadingFinding):
                    collected.take([], [part])
                elif not _read_part(collected, part, reader, pointer=_pointer(place, part.place)):
                    passed_over += 1
    except _OutOfTimeError:
        reason = "It took too long to read. Send it in smaller parts."
        _refuse(collected, file.name, reason, pointer=_pointer(place))
    except MemoryError:
        reason = "It takes more memory to read than it may. Send it in smaller parts."
        _refuse(collected, file.name, reason, pointer=_pointer(place))
    if passed_over:
        collected.findings.append(ReadingFinding("archive-part-passed-over", file.name, count=passed_over))


def _read_part(collected: Collected, part: Part, reader: Reader | None, *, pointer: str) -> bool:
    """Whether there was a reader for it, or should have been; False for what an archive also holds."""
    try:
        if part.refusal is not None:
            raise part.refusal
        chosen = reader or find_reader(part.content)
    except UnreadableTrainingError as refusal:
        if part.is_expected:
            _refuse(collected, refusal.source, refusal.reason, pointer=pointer)
        return part.is_expected
    try:
        reading = chosen.read(part.content)
    except UnreadableTrainingError as refusal:
        _refuse(collected, refusal.source, refusal.reason, pointer=pointer)
    else:
        collected.take(reading.activities, reading.findings)
    return True


def _pointer(*places: int | None) -> str:
    """To a file, or to one in an archive.

    >>> _pointer(2, None), _pointer(2, 0)
    ('/files/2', '/files/2/0')
    """
    return "/".join(["", FIELD, *(str(place) for place in places if place is not None)])


def _refuse(collected: Collected, source: str, reason: str, *, pointer: str) -> None:
    collected.findings.append(ReadingFinding("unreadable-file", source, detail=reason))
    collected.refusals.append(Fault(pointer, "unreadable-file", reason))


def is_anything_read(collected: Collected) -> bool:
    """Whether there is an activity, or a file that was read and holds none."""
    return bool(collected.activities) or any(found.code != "unreadable-file" for found in collected.findings)


@contextmanager
def _bounded(most_s: float | None) -> Iterator[None]:
    """Ends what is done inside when it has taken so long.

    By the clock on the wall, as the deadline of the process is: where much else is going on, a reader gets little of
    the processor. Only the main thread can be told, and worker processes read in theirs; an alarm that was set for the
    process rings when it would have.
    """
    if most_s is None:
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _OutOfTimeError

    before: Any = signal.signal(signal.SIGALRM, ring)
    begun_s = time.monotonic()
    alarm_s, _ = signal.setitimer(signal.ITIMER_REAL, most_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if alarm_s:
            signal.setitimer(signal.ITIMER_REAL, max(alarm_s - (time.monotonic() - begun_s), 0.001))
