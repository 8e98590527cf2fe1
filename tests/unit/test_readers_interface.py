"""The registry of readers: found by content, lazily loaded, and one clear error for what is none of them."""

import subprocess
import sys

import pytest

from app.errors import UnreadableTrainingError
from app.readers import READERS, find_reader, read_content
from app.readers.content import Content

SESSION = b'{"started_on": "2026-11-20", "distance_m": 9000.1, "duration_s": 3000}'


def test_importing_the_readers_loads_no_library_that_reads_files() -> None:
    heavy = ("fitdecode", "gpxpy", "defusedxml", "geographiclib")
    code = f"import app.readers, sys; print([name for name in {heavy} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_reader_stands_under_its_own_id() -> None:
    assert {id: reader.id for id, reader in READERS.items()} == {id: id for id in READERS}


def test_no_media_type_belongs_to_two_readers() -> None:
    told = [media_type for reader in READERS.values() for media_type in reader.media_types]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" + SESSION + b"]",
        b'{"sessions": [' + SESSION + b"]}",
        b'{"runner": {}, "training": {"sessions": [' + SESSION + b"]}}",
        b'\xef\xbb\xbf {"sessions": [' + SESSION + b"]}",
    ],
)
def test_our_own_sessions_are_read_in_every_shape_they_come_in(raw: bytes) -> None:
    reading = read_content(Content(raw, name="log.json"))
    (activity,) = reading.activities
    assert (activity.distance_mm, activity.duration_ms, str(activity.started_on)) == (
        9_000_100,
        3_000_000,
        "2026-11-20",
    )
    assert activity.provenance["distance_mm"].field.endswith("[0].distance_m")
    assert reading.findings == []


def test_a_session_that_would_be_refused_is_left_out_and_counted() -> None:
    raw = b"[" + SESSION + b', {"started_on": "2026-13-40"}, {"distance_m": -1}]'
    reading = read_content(Content(raw, name="log.json"))
    assert len(reading.activities) == 1
    assert [(found.code, found.count) for found in reading.findings] == [("not-an-activity", 2)]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"\0" * 1000, "empty"),
        (b"{", "broken JSON"),
        (b'{"data": 3}', "no platform"),
        (b"hello", "no format"),
    ],
)
def test_what_no_reader_reads_is_named_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(UnreadableTrainingError, match=reason) as refused:
        find_reader(Content(raw, name="../x/junk.fit"))
    assert refused.value.source == "junk.fit"
