"""Real files with bytes changed, cut, doubled and swapped: activities or the documented error, in little memory.

`make reader-fuzz` runs thousands of these for each format (READER_FUZZ says how many); a small share with
settled seeds runs with every test.
"""

import gzip
import os
import random
import re
import resource
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import UnreadableTrainingError
from app.readers import READERS, find_reader
from app.readers.assembly import Collected
from app.readers.containers import Room
from app.readers.content import Content
from app.readers.importing import read_into
from tests.samples import SAMPLES
from tests.unit.training_files import as_gpx, as_tcx, points_of, zipped

EXAMPLES = int(os.environ.get("READER_FUZZ", "60"))
MEMORY_MOST_BYTES = 32 * 1_048_576
"""Of small files; the decoders' own tables are in it."""
GROWTH_MOST_BYTES = 128 * 1_048_576
TRACED_MOST = 500
LARGEST_BYTES = 40_000
_NUMBERS = re.compile(rb"-?\d+(?:\.\d+)?")
_EDGES = (
    b"",
    b"-1",
    b"0",
    b"1e999",
    b"nan",
    b"99999999999999999999",
    b"1901-01-01",
    b"\xff\xfe",
    b"\0",
    b"<",
    b"null",
    b"[",
)


@cache
def seeds(format: str) -> tuple[bytes, ...]:
    """Real files of one format, none of them large."""
    if format == "archive":
        raw = (SAMPLES / "fit" / "Activity.fit").read_bytes()
        return (zipped({"a.fit": raw, "b.gpx": seeds("gpx")[0]}), gzip.compress(raw))
    files = [path.read_bytes() for path in sorted(SAMPLES.glob("*/*")) if path.suffix != ".md"]
    found = []
    for raw in files:
        try:
            if len(raw) <= LARGEST_BYTES and find_reader(Content(raw, name="a")).id == format:
                found.append(raw)
        except UnreadableTrainingError:
            continue
    if format in ("gpx", "tcx"):
        points = points_of((SAMPLES / "fit" / "2013-02-06-12-11-14.fit").read_bytes())[:60]
        found.append(as_gpx(points) if format == "gpx" else as_tcx(points, seconds=300, metres=700))
    if format == "joint-risk":
        found.append(b'{"training": {"sessions": [{"started_at": "2026-11-20T07:00:00+01:00", "distance_m": 9000.5}]}}')
    return tuple(found)


FORMATS = [*READERS, "archive"]


def mutate(raw: bytes, chance: random.Random) -> bytes:
    """The file with one to four things done to it that happen to files."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0:
                del data[place:]
            case 1:
                del data[place : place + chance.randint(1, 400)]
            case 2:
                data[place:place] = data[place : place + chance.randint(1, 400)]
            case 3:
                data[place:place] = chance.randbytes(chance.randint(1, 20))
            case 4:
                for _ in range(chance.randint(1, 20)):
                    if data:
                        data[chance.randrange(len(data))] = chance.randrange(256)
            case 5:
                numbers = list(_NUMBERS.finditer(bytes(data[place : place + 500])))
                if numbers:
                    found = chance.choice(numbers)
                    data[place + found.start() : place + found.end()] = chance.choice(_EDGES)
            case _:
                data += data[:place]
    return bytes(data)


@contextmanager
def memory_bounded() -> Iterator[None]:
    """Fails when what runs inside takes more than it may: all that Python holds, or what the process grew by.

    Tracing every piece costs several times what reading does, so thousands of files are watched from outside.
    """
    if EXAMPLES > TRACED_MOST:
        before_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        yield
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before_bytes < GROWTH_MOST_BYTES
        return
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_MOST_BYTES


@pytest.mark.parametrize("format", FORMATS)
def test_there_is_a_real_file_of_every_format(format: str) -> None:
    assert seeds(format)


@pytest.mark.parametrize("format", FORMATS)
def test_a_changed_file_gives_activities_or_the_documented_error(format: str) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="READER_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.integers(0, 2**64))
    def check(seed: int) -> None:
        chance = random.Random(seed)
        raw = mutate(chance.choice(seeds(format)), chance)
        found = Collected()
        # Whatever it raises but the documented error, which is a finding here, fails the test.
        read_into(found, Content(raw, name="a"), room=Room())
        for activity in found.activities:
            assert activity.distance_mm is None or 0 <= activity.distance_mm <= 1_000_000_000
            assert activity.duration_ms is None or 0 <= activity.duration_ms <= 864_000_000
            assert activity.started_at is None or activity.started_at.tzinfo is not None
        assert all(each.detail for each in found.findings if each.code == "unreadable-file")

    with memory_bounded():
        check()


@pytest.mark.parametrize("format", ["fit", "gpx", "tcx", "strava-export"])
def test_time_is_linear_in_the_size_of_a_file(format: str) -> None:
    small = max(seeds(format), key=len)
    if format in ("gpx", "tcx"):
        points = points_of((SAMPLES / "fit" / "2013-02-06-12-11-14.fit").read_bytes()) * 3
        write = as_gpx if format == "gpx" else lambda them: as_tcx(them, seconds=300, metres=700)
        small, large = write(points), write(points * 4)
    elif format == "fit":
        small, large = small * 3, small * 12  # FIT files stand behind each other
    else:
        head, _, rows = small.partition(b"\n")
        small, large = head + b"\n" + rows * 20, head + b"\n" + rows * 80

    def seconds(raw: bytes) -> float:
        times = []
        for _ in range(3):
            begun = time.process_time()
            read_into(Collected(), Content(raw, name="a"), room=Room())
            times.append(time.process_time() - begun)
        return min(times)

    # Four times the size, and sixteen times the time if it were quadratic.
    assert seconds(large) < 9 * seconds(small) + 0.01
