"""Every sample file, against what the file itself says and against the vendor's own decoder."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any

import gpxpy
import pytest
from garmin_fit_sdk import Decoder, Stream
from geographiclib.geodesic import Geodesic

from app.readers import read_content
from app.readers.activities import RUNNING, Activity, Reading
from app.readers.content import Content
from app.readers.tracks import step_m
from tests.samples import SAMPLES, expected, sample

ROWS = expected()
ACTIVITY_ROWS = [row for row in ROWS if row["run_distance_m"] and not row["class"].startswith(("no_", "not_"))]
SPORTS_OF = {"running": "run", "cycling": "ride", "walking": "walk", "swimming": "swim", "transition": "other"}


def reading(name: str) -> Reading:
    return read_content(Content(sample(name), name=name))


def runs(name: str) -> list[Activity]:
    return [activity for activity in reading(name).activities if activity.sport in RUNNING]


def test_every_sample_stands_in_the_table_of_what_it_holds() -> None:
    files = {str(path.relative_to(SAMPLES)) for path in SAMPLES.glob("*/*") if path.suffix in (".fit", ".gpx", ".tcx")}
    assert files == {row["file"] for row in ROWS}


@pytest.mark.parametrize("row", ACTIVITY_ROWS, ids=lambda row: row["file"])
def test_distance_and_duration_are_what_the_file_says(row: dict[str, str]) -> None:
    found = reading(row["file"]).activities
    if row["class"].startswith(("run", "multisport")):
        found = [activity for activity in found if activity.sport in RUNNING]
    told_m = float(row["run_distance_m"])
    metres = sum(activity.distance_mm or 0 for activity in found) / 1000
    assert metres == pytest.approx(told_m, rel=0.03 if row["file"].startswith("gpx") else 0.005)
    if row["run_timer_s"]:
        seconds = sum(activity.duration_ms or 0 for activity in found) / 1000
        assert seconds == pytest.approx(float(row["run_timer_s"]), abs=1)


@pytest.mark.parametrize("row", [row for row in ROWS if row["file"].startswith("fit/")], ids=lambda row: row["file"])
def test_the_sports_of_a_fit_file_are_those_of_its_sessions_in_their_order(row: dict[str, str]) -> None:
    told = [SPORTS_OF[sport.partition("/")[0]] for sport in row["sports"].split(";") if sport]
    assert [activity.sport for activity in reading(row["file"]).activities] == told


@pytest.mark.parametrize("row", [row for row in ROWS if row["start_utc"].startswith("20")], ids=lambda row: row["file"])
def test_the_start_is_that_of_the_file(row: dict[str, str]) -> None:
    first = min(activity.started_at for activity in reading(row["file"]).activities if activity.started_at)
    assert first == datetime.fromisoformat(row["start_utc"])


@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("fit/Activity.fit", "2012-04-09T17:22:26"),
        ("fit/activity-small-fenix2-run.fit", "2015-08-15T16:45:08"),
        ("fit/garmin-fenix-5-run.fit", "2017-06-11T07:34:09"),
    ],
)
def test_the_runners_clock_is_read_where_the_file_tells_it(name: str, clock: str) -> None:
    assert runs(name)[0].clock_at_start == datetime.fromisoformat(clock)


@pytest.mark.parametrize("row", [row for row in ROWS if row["file"].startswith("fit/")], ids=lambda row: row["file"])
def test_the_vendors_decoder_tells_the_same_of_every_session(row: dict[str, str]) -> None:
    messages: Any
    messages, _ = Decoder(Stream.from_bytes_io(BytesIO(sample(row["file"])))).read(enable_crc_check=False)
    told = messages.get("session_mesgs", [])
    found = reading(row["file"]).activities
    assert len(found) == len(told)
    for activity, session in zip(found, told, strict=True):
        assert activity.distance_mm == round(session["total_distance"] * 1000)
        assert activity.duration_ms == round(session["total_timer_time"] * 1000)
        if activity.started_at is not None:
            assert activity.started_at == session["start_time"].replace(tzinfo=UTC)


@pytest.mark.parametrize("name", ["fit/Settings.fit", "fit/WeightScaleSingleUser.fit"])
def test_a_fit_file_of_another_kind_holds_no_activity_and_says_so(name: str) -> None:
    assert reading(name).activities == []
    assert [found.code for found in reading(name).findings] == ["not-an-activity"]


@pytest.mark.parametrize("name", ["gpx/gpx_with_garmin_extension.gpx", "gpx/unicode_with_bom.gpx"])
def test_waypoints_are_no_activity(name: str) -> None:
    assert reading(name).activities == []
    assert [found.code for found in reading(name).findings] == ["not-an-activity"]


def test_a_damaged_file_is_salvaged_and_says_so() -> None:
    for name in ("fit/activity-filecrc.fit", "fit/activity-unexpected-eof.fit"):
        assert [found.code for found in reading(name).findings] == ["salvaged"]


def test_a_clock_that_was_never_set_gives_no_day() -> None:
    for name in ("fit/compressed-speed-distance.fit", "gpx/Mojstrovka.gpx"):
        (activity,) = reading(name).activities
        assert activity.started_at is None
        assert [found.code for found in reading(name).findings] == ["doubtful-clock"]


def test_every_number_of_a_sample_says_where_it_was_read() -> None:
    for row in ROWS:
        for activity in reading(row["file"]).activities:
            told = {"distance_mm", "duration_ms", "started_at", "clock_at_start", "ascent_m", "effort"}
            known = {name for name in told if getattr(activity, name) is not None}
            assert known <= activity.provenance.keys()
            assert {origin.reader for origin in activity.provenance.values()} == {activity.reader}


@pytest.mark.parametrize("row", [row for row in ROWS if row["file"].startswith("gpx/")], ids=lambda row: row["file"])
def test_a_gpx_track_is_as_long_as_gpxpy_finds_it(row: dict[str, str]) -> None:
    told_m = gpxpy.parse(Content(sample(row["file"]), name="a").text.lstrip("\ufeff")).length_2d()
    assert sum(each.distance_mm or 0 for each in reading(row["file"]).activities) / 1000 == pytest.approx(
        told_m, rel=0.005
    )


def test_a_step_is_the_geodesic_to_within_a_millionth() -> None:
    for lat in (-80.0, -33.3, 0.0, 46.5, 70.0):
        for east, north in ((1e-5, 2e-5), (-3e-3, 1e-3), (5e-3, -5e-3), (1.0, 1.0)):
            exact = Geodesic.WGS84.Inverse(lat, 179.999, lat + north, 179.999 + east, Geodesic.DISTANCE)["s12"]
            assert step_m(lat, 179.999, lat + north, 179.999 + east) == pytest.approx(exact, rel=1e-6)


def test_joined_tracks_are_in_the_order_of_time() -> None:
    found = reading("gpx/cerknicko-jezero.gpx").activities
    starts = [activity.started_at for activity in found if activity.started_at]
    assert all(after - before >= timedelta(0) for before, after in pairwise(starts))
