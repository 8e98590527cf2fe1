"""Odd files that real devices and apps write, made up field by field."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.errors import UnreadableTrainingError
from app.readers import read_content
from app.readers.activities import Activity, Reading
from app.readers.content import Content
from tests.samples import sample
from tests.unit.training_files import CYCLING, FILE_ID, RUNNING, Point, as_fit, as_gpx, as_tcx, fit_s, points_of

START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
S = fit_s(START)


def read(raw: bytes, name: str = "a") -> Reading:
    return read_content(Content(raw, name=name))


def only(reading: Reading) -> Activity:
    (activity,) = reading.activities
    return activity


def codes(reading: Reading) -> list[str]:
    return [found.code for found in reading.findings]


def session(start: int, seconds: float, metres: float | None, **told: float) -> tuple[str, dict[str, float]]:
    fields = {"timestamp": start + seconds, "start_time": start, "sport": RUNNING, "sub_sport": 0}
    fields |= {"total_elapsed_time": seconds, "total_timer_time": seconds}
    return "session", {**fields, **({} if metres is None else {"total_distance": metres}), **told}


def records(metres: list[float], start: int = S, step: int = 10) -> list[tuple[str, dict[str, float]]]:
    return [("record", {"timestamp": start + step * n, "distance": total}) for n, total in enumerate(metres)]


def lap(start: int, seconds: float, metres: float) -> tuple[str, dict[str, float]]:
    told = {"timestamp": start + seconds, "start_time": start, "sport": RUNNING}
    return "lap", {**told, "total_elapsed_time": seconds, "total_timer_time": seconds, "total_distance": metres}


# ------------------------------------------------------------------------------------------------------------- FIT


@pytest.mark.parametrize(
    ("sub_sport", "sport"), [(1, "run_treadmill"), (3, "run_trail"), (4, "run_track"), (58, "run_treadmill")]
)
def test_kinds_of_running_are_told_apart(sub_sport: int, sport: str) -> None:
    assert only(read(as_fit(FILE_ID, session(S, 1800, 5000, sub_sport=sub_sport)))).sport == sport


def test_a_fit_without_any_distance_has_none() -> None:
    activity = only(read(as_fit(FILE_ID, session(S, 1800, None))))
    assert (activity.distance_mm, activity.duration_ms) == (None, 1_800_000)


def test_a_session_without_distance_takes_the_sum_of_its_laps_before_its_records() -> None:
    raw = as_fit(FILE_ID, *records([0, 900]), lap(S, 900, 2500), lap(S + 900, 900, 2600), session(S, 1800, None))
    activity = only(read(raw))
    assert (activity.distance_mm, activity.provenance["distance_mm"].field) == (5_100_000, "lap[].total_distance")


def test_a_record_stream_that_breaks_off_does_not_overrule_the_session() -> None:
    reading = read(as_fit(FILE_ID, *records([0, 400, 928]), session(S, 3600, 11274)))
    assert only(reading).distance_mm == 11_274_000
    assert codes(reading) == ["distance-disagrees"]


def test_a_session_that_nobody_can_run_gives_way_to_its_records() -> None:
    metres = [100.0 * n for n in range(37)]
    reading = read(as_fit(FILE_ID, *records(metres, step=50), session(S, 1800, 112_740)))
    assert only(reading).distance_mm == 3_600_000
    assert codes(reading) == ["distance-disagrees"]


def test_multisport_legs_whose_totals_run_on_are_taken_apart() -> None:
    legs = [
        session(S, 1200, 1500, sport=5),
        session(S + 1200, 3600, 31_500, sport=CYCLING),
        session(S + 4800, 1800, 36_500),
    ]
    totals = records([0, 750, 1500], step=600) + records([1500, 16500, 31500], S + 1210, 1790)
    totals += records([31500, 34000, 36500], S + 4810, 890)
    reading = read(as_fit(FILE_ID, *totals, *legs))
    assert [each.distance_mm for each in reading.activities] == [1_500_000, 30_000_000, 5_000_000]
    assert len({each.part_of for each in reading.activities}) == 1
    assert "multisport-leg" in codes(reading)


def test_a_running_leg_without_records_that_carries_the_whole_is_taken_apart_by_what_can_be_run() -> None:
    reading = read(as_fit(FILE_ID, session(S, 3600, 30_000, sport=CYCLING), session(S + 3600, 1500, 35_000)))
    assert reading.activities[1].distance_mm == 5_000_000


def test_two_activities_joined_in_one_file_are_two_and_no_legs() -> None:
    reading = read(as_fit(FILE_ID, session(S, 1800, 5000), session(S + 86_400, 1500, 4000)))
    assert [(each.distance_mm, each.part_of) for each in reading.activities] == [(5_000_000, None), (4_000_000, None)]
    assert codes(reading) == []


def test_files_that_stand_behind_each_other_are_all_read() -> None:
    raw = as_fit(FILE_ID, session(S, 1800, 5000)) + as_fit(FILE_ID, session(S + 86_400, 1500, 4000))
    assert [each.distance_mm for each in read(raw).activities] == [5_000_000, 4_000_000]


def test_an_interrupted_recording_is_salvaged_from_laps_and_records() -> None:
    metres = [25.0 * n for n in range(121)]
    whole = as_fit(FILE_ID, lap(S, 300, 750), *records(metres))
    reading = read(whole[:-1])
    activity = only(reading)
    assert (activity.distance_mm, activity.duration_ms, activity.sport) == (3_000_000, 1_200_000, "run")
    assert activity.started_at == START
    assert codes(reading) == ["salvaged"]


def test_every_cut_of_a_real_file_gives_an_activity_or_the_reason() -> None:
    whole = sample("fit/2013-02-06-12-11-14.fit")
    given = refused = 0
    for size in range(0, len(whole), 397):
        try:
            given += len(read(whole[:size]).activities)
        except UnreadableTrainingError as refusal:
            refused += refusal.reason != ""
    assert given + refused == len(range(0, len(whole), 397))
    assert given > 20


def test_the_local_clock_is_read_to_the_quarter_of_an_hour() -> None:
    raw = as_fit(
        FILE_ID, session(S, 1800, 5000), ("activity", {"timestamp": S + 1800, "local_timestamp": S + 1800 + 20_700})
    )
    assert only(read(raw)).clock_at_start == datetime.fromisoformat("2026-11-20T22:45:00")


# -------------------------------------------------------------------------------------------------------------- GPX


def way(seconds: list[float], *, north_deg: float = 2e-5) -> list[Point]:
    """Two metres and a bit between points, at these seconds."""
    return [Point(START + timedelta(seconds=at), 46.0 + n * north_deg, 14.0, 0.0) for n, at in enumerate(seconds)]


def test_standing_for_a_while_is_a_pause_and_a_short_stop_is_not() -> None:
    running = list(range(600))
    paused = running[:300] + [at + 240 for at in running[300:]]
    assert only(read(as_gpx(way([float(at) for at in paused])))).duration_ms == 598_000
    stopped = running[:300] + [at + 8 for at in running[300:]]
    assert only(read(as_gpx(way([float(at) for at in stopped])))).duration_ms == 607_000


def test_a_jump_out_and_back_is_no_way_and_a_lost_fix_is() -> None:
    points = way([float(at) for at in range(600)])
    straight = only(read(as_gpx(points))).distance_mm
    spiked = [*points[:300], points[300]._replace(lat=47.0), *points[301:]]
    assert only(read(as_gpx(spiked))).distance_mm == pytest.approx(straight, rel=0.001)
    lost = [*points[:200], *points[400:]]
    assert only(read(as_gpx(lost))).distance_mm == pytest.approx(straight, rel=0.001)


def test_what_lies_between_segments_does_not_count() -> None:
    points = way([float(at) for at in range(600)])
    raw = as_gpx([*points[:300], *points[400:]])
    marker = f'<trkpt lat="{points[400].lat:.7f}"'.encode()
    split = raw.replace(marker, b"</trkseg><trkseg>" + marker, 1)
    activity = only(read(split))
    assert activity.duration_ms == 498_000
    assert activity.distance_mm == pytest.approx(498 * 2224, rel=0.01)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: b"  \r\n" + raw,
        lambda raw: b"\xef\xbb\xbf \n" + raw,
        lambda raw: raw.replace(b' xmlns="http://www.topografix.com/GPX/1/1"', b""),
        lambda raw: raw.replace(b' creator="a test"', b""),
        lambda raw: raw.replace(b"1.1", b"1.0").replace(b"1/1", b"1/0"),
        lambda raw: raw.replace(b"</time>", b"</time><extensions><gpxtpx:hr>150</gpxtpx:hr></extensions>"),
        lambda raw: raw.replace(b"Z</time>", b".250+01:00</time>"),
        lambda raw: raw.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        lambda raw: raw.replace(b"<type>", "<name>Lauf über Höhen</name><type>".encode("cp1252")),
        lambda raw: raw.replace(b"<gpx", b"<!-- made up --><gpx"),
    ],
)
def test_gpx_as_real_exports_write_it_is_read(change: object) -> None:
    assert callable(change)
    plain = only(read(as_gpx(way([float(at) for at in range(100)]))))
    activity = only(read(change(as_gpx(way([float(at) for at in range(100)])))))
    assert (activity.distance_mm, activity.duration_ms, activity.sport) == (plain.distance_mm, 99_000, "run")


def test_an_offset_in_gpx_tells_the_runners_clock() -> None:
    raw = as_gpx(way([0.0, 1.0])).replace(b"Z</time>", b"+01:00</time>")
    assert only(read(raw)).clock_at_start == datetime.fromisoformat("2026-11-20T17:00:00")


def test_a_gpx_that_breaks_off_tells_what_it_can() -> None:
    raw = as_gpx(way([float(at) for at in range(200)]))
    reading = read(raw[: len(raw) // 2])
    assert 90_000 <= (only(reading).duration_ms or 0) <= 110_000
    assert codes(reading) == ["salvaged"]


def test_tracks_apart_in_time_are_activities_of_their_own() -> None:
    one = as_gpx(way([float(at) for at in range(100)]))
    other = as_gpx(way([5_000.0 + at for at in range(100)]))
    track = other[other.index(b"<trk>") : other.index(b"</gpx>")]
    assert len(read(one.replace(b"</gpx>", track + b"</gpx>")).activities) == 2


def test_points_without_a_time_give_a_distance_and_no_duration() -> None:
    activity = only(read(re.sub(rb"<time>.*?</time>", b"", as_gpx(way([0.0, 1.0, 2.0])))))
    assert (activity.duration_ms, activity.started_at) == (None, None)
    assert activity.distance_mm == pytest.approx(4448, abs=2)


# -------------------------------------------------------------------------------------------------------------- TCX

POINTS = points_of(sample("fit/2013-02-06-12-11-14.fit"))


def test_a_lap_that_is_missing_from_tcx_is_found_in_its_points() -> None:
    reading = read(as_tcx(POINTS, seconds=1200, metres=1999))
    activity = only(reading)
    assert activity.distance_mm == pytest.approx(4_835_360, abs=500)
    # Of 2,625 s by the watch, what was not spent standing.
    assert 2_200_000 < (activity.duration_ms or 0) < 2_625_000
    assert codes(reading) == ["distance-disagrees"]


def test_tcx_points_that_stop_short_do_not_overrule_the_laps() -> None:
    reading = read(as_tcx(POINTS[:100], seconds=2625, metres=4835.38))
    assert (only(reading).distance_mm, only(reading).duration_ms) == (4_835_380, 2_625_000)
    assert codes(reading) == ["distance-disagrees"]


def test_a_treadmill_tcx_without_positions_or_distances_in_its_points_has_its_laps() -> None:
    raw = re.sub(
        rb"<Position>.*?</DistanceMeters></Trackpoint>", b"</Trackpoint>", as_tcx(POINTS, seconds=1800, metres=5000)
    )
    activity = only(read(b"   \n" + raw))
    assert (activity.distance_mm, activity.duration_ms, activity.solar_offset_h) == (5_000_000, 1_800_000, None)


@pytest.mark.parametrize(
    ("word", "sport"), [("Running", "run"), ("Biking", "ride"), ("Other", "other"), ("", "unknown")]
)
def test_the_sport_of_tcx_is_read(word: str, sport: str) -> None:
    assert only(read(as_tcx(POINTS[:9], seconds=60, metres=100, sport=word))).sport == sport


def test_a_course_is_no_activity() -> None:
    raw = b"<TrainingCenterDatabase><Courses><Course><Name>x</Name></Course></Courses></TrainingCenterDatabase>"
    assert codes(read(raw)) == ["not-an-activity"]
