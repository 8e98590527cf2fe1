"""Whatever is done to a platform's file, it gives training that can be scored, or an error that names the file."""

import json
import os
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import UnreadableTrainingError
from app.readers import READERS, read_content
from app.readers.activities import SPORTS, Activity
from app.readers.assembly import Collected, assemble
from app.readers.content import Content
from app.readers.findings import FINDINGS
from app.readers.quantities import ASCENT_MOST_M, DISTANCE_MOST_MM, DURATION_MOST_MS
from app.runners.requests import read_request
from tests.unit.platform_samples import PLATFORMS, SAMPLES

RAW: Final = {
    id: [path.read_bytes() for path in SAMPLES if READERS[id].sniff(Content(path.read_bytes(), name=path.name))]
    for id in PLATFORMS
}
MUTATIONS: Final = int(os.environ.get("READER_FUZZ", "200"))
"""For each way of mutating each format: 4,000 in all by default, which takes six seconds."""

AS_OF: Final = date(2026, 11, 20)
BERLIN: Final = ZoneInfo("Europe/Berlin")

# Pieces that mean something to JSON, to CSV, or to whoever reads numbers and dates out of them.
PIECES: Final = (
    *(b'"', b",", b";", b"\t", b"\n", b"\r\n", b"\0", b"[", b"]", b"{", b"}", b":", b"-", b"--", b".", b"'"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-1", b"0", b"9" * 25, b"1e15", b"1.5", b"1,025"),
    *(b"00:00", b"99:99:99", b"PT", b"PT99999999999S", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59-23:59"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"<span>", b"\xe2\x80\xaf", b"activities/"),
)
HOSTILE: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(
        ["", "x" * 300, "\x1b[31m", "2026-02-30T25:61:61", "0001-01-01T00:00:00+14:00", "PT1S", "Run", "7"]
    ),
    st.just([]),
    st.just({}),
    st.just([[[[]]]]),
)


def _is_within_bounds(activity: Activity) -> bool:
    moment, clock = activity.started_at, activity.clock_at_start
    return all(
        [
            activity.sport in SPORTS,
            activity.distance_mm is None or 0 <= activity.distance_mm <= DISTANCE_MOST_MM,
            activity.duration_ms is None or 0 <= activity.duration_ms <= DURATION_MOST_MS,
            activity.elapsed_ms is None or 0 <= activity.elapsed_ms <= DURATION_MOST_MS,
            activity.ascent_m is None or 0 <= activity.ascent_m <= ASCENT_MOST_M,
            activity.effort is None or 0 <= activity.effort <= 10,
            moment is None or moment.utcoffset() is not None,
            clock is None or clock.tzinfo is None,
            activity.id is None or (activity.id.isprintable() and 0 < len(activity.id) <= 128),
            (activity.id is None) == (activity.id_space is None),
            all(origin.field.isprintable() for origin in activity.provenance.values()),
        ]
    )


def _check(raw: bytes, *, reader: str) -> None:
    content = Content(raw, name="mutated")
    for one in READERS.values():
        one.sniff(content)
    for told in (None, READERS[reader]):
        try:
            reading = read_content(content, reader=told)
        except UnreadableTrainingError as refused:
            refusals = [refused.source]
        else:
            refusals = []
            assert all(_is_within_bounds(activity) for activity in reading.activities)
            assert all(found.code in FINDINGS and found.count > 0 for found in reading.findings)
            collected = Collected()
            collected.take(reading.activities, reading.findings)
            answer = assemble(collected, today=AS_OF, as_of=AS_OF, zone=BERLIN)
            request = {"as_of": str(AS_OF), "runner": {}, "training": answer["training"]}
            read_request(json.dumps(request, allow_nan=False).encode(), today=AS_OF)
        assert refusals in ([], ["mutated"])


@st.composite
def mutated(draw: st.DrawFn, *, samples: list[bytes]) -> bytes:
    """A sample with some pieces cut out, put in, doubled or overwritten."""
    raw = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        length = draw(st.sampled_from([0, 1, 1, 4, 40]))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=6), st.just(bytes(raw[at : at + 200]))))
        raw[at : at + length] = piece
    return bytes(raw[: draw(st.sampled_from([len(raw)] * 4 + [len(raw) // 2]))])


@pytest.mark.parametrize("reader", PLATFORMS)
def test_mutated_files_give_activities_or_the_documented_error(reader: str) -> None:
    @settings(max_examples=MUTATIONS)
    @given(mutated(samples=RAW[reader]))
    def check(raw: bytes) -> None:
        _check(raw, reader=reader)

    check()


def _replace(told: Any, draw: st.DrawFn, *, share: int) -> Any:
    """The same JSON with about one in `share` of its values replaced by a hostile one."""
    if draw(st.integers(0, share)) == 0:
        return draw(HOSTILE)
    if isinstance(told, dict):
        return {name: _replace(value, draw, share=share) for name, value in list(told.items())[:30]}
    return [_replace(value, draw, share=share) for value in told[:3]] if isinstance(told, list) else told


@st.composite
def replaced(draw: st.DrawFn, *, samples: list[bytes]) -> bytes:
    """A JSON sample with values of other types and sizes in some places."""
    told = Content(draw(st.sampled_from(samples)), name="sample").json
    return json.dumps(_replace(told, draw, share=draw(st.sampled_from([4, 20])))).encode()


@pytest.mark.parametrize("reader", [id for id in PLATFORMS if RAW[id][0][:1] in (b"{", b"[")])
def test_values_of_other_types_give_activities_or_the_documented_error(reader: str) -> None:
    @settings(max_examples=MUTATIONS)
    @given(replaced(samples=[raw for raw in RAW[reader] if raw[:1] in (b"{", b"[")]))
    def check(raw: bytes) -> None:
        _check(raw, reader=reader)

    check()


@settings(max_examples=MUTATIONS)
@given(st.binary(max_size=200))
def test_any_bytes_at_all_give_activities_or_the_documented_error(raw: bytes) -> None:
    for reader in PLATFORMS:
        _check(raw, reader=reader)
