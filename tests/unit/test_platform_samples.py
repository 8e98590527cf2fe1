"""Every platform's sample: told from all others by its content, and read to the metre, the second and the day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.readers import READERS, read_content
from app.readers.activities import Activity
from app.readers.content import Content
from tests.unit.platform_samples import FOLDER, PLATFORMS, SAMPLES, codes, sample

READER_OF = {
    "strava-official": "strava",
    "strava-stravalib": "strava",
    "strava-export": "strava-export",
    "garmin-connect": "garmin-csv",
    "garmin-takeout": "garmin-takeout",
    "garmin-api": "garmin-api",
    "open-wearables": "open-wearables",
    "terra": "terra",
    "suunto": "suunto",
    "polar": "polar",
    "intervals-icu": "intervals-icu",
}
# Sport, metres, seconds, start on a Berlin clock: the story that the README of the samples tells.
STORY = [
    ("run", 8214.6, 2712, datetime.fromisoformat("2026-11-02T06:40:12")),
    ("run", 5012.3, 1580, datetime.fromisoformat("2026-11-05T00:15:00")),
    ("run_trail", 21097.8, 8140, datetime.fromisoformat("2026-11-07T09:02:45")),
    ("ride", 41250.0, 5400, datetime.fromisoformat("2026-11-08T10:00:00")),
]
BERLIN = timedelta(hours=1)
WHOLE = [
    "garmin-api-push.json",
    "garmin-takeout-summarizedActivities.json",
    "intervals-icu-activities.csv",
    "intervals-icu-activities.json",
    "open-wearables-workouts.json",
    "polar-accesslink-exercises.json",
    "strava-export-2024-en.csv",
    "strava-export-de.csv",
    "strava-export-es-trimmed.csv",
    "strava-export-fr.csv",
    "strava-export-nl.csv",
    "suunto-workouts.json",
    "terra-activity.json",
]
GARMIN_CSV = [path.name for path in SAMPLES if path.name.startswith("garmin-connect")]


def _reader_of(path: Path) -> str:
    (reader,) = (reader for start, reader in READER_OF.items() if path.name.startswith(start))
    return reader


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_told_from_all_other_formats(path: Path) -> None:
    content = Content(path.read_bytes(), name="export")
    assert [id for id, reader in READERS.items() if reader.sniff(content)] == [_reader_of(path)]


def test_every_platform_has_a_sample() -> None:
    assert {_reader_of(path) for path in SAMPLES} == set(PLATFORMS)


def _starts_at(activity: Activity, clock: datetime) -> bool:
    moment = activity.started_at
    is_right_moment = moment is None or moment.astimezone(UTC).replace(tzinfo=None) == clock - BERLIN
    is_right_clock = activity.clock_at_start in (None, clock)
    return is_right_moment and is_right_clock and (moment or activity.clock_at_start) is not None


@pytest.mark.parametrize("name", WHOLE)
def test_a_sample_is_read_to_half_a_metre_a_second_and_the_minute(name: str) -> None:
    activities = read_content(sample(name)).activities
    assert [activity.sport for activity in activities[:4]] == [
        # Terra has no word for trails.
        "run" if name.startswith("terra") and sport == "run_trail" else sport
        for sport, *_ in STORY
    ]
    for activity, (_, distance_m, duration_s, clock) in zip(activities, STORY, strict=False):
        assert activity.distance_mm == pytest.approx(distance_m * 1000, abs=500)
        assert activity.duration_ms == pytest.approx(duration_s * 1000, abs=500)
        assert _starts_at(activity, clock)


@pytest.mark.parametrize("name", GARMIN_CSV)
def test_garmins_csv_is_read_to_its_two_decimals_in_every_language(name: str) -> None:
    activities = read_content(sample(name)).activities
    assert [activity.sport for activity in activities[:4]] == [sport for sport, *_ in STORY]
    for activity, (_, distance_m, duration_s, clock) in zip(activities, STORY, strict=False):
        assert activity.distance_mm == pytest.approx(distance_m * 1000, abs=8_100)
        assert activity.duration_ms == duration_s * 1000
        assert (activity.started_at, activity.clock_at_start) == (None, clock)
    assert activities[4].sport == "run_treadmill"
    assert activities[4].duration_ms == 1_805_400


def test_the_export_of_2018_tells_metres_and_elapsed_time_alone() -> None:
    reading = read_content(sample("strava-export-2018.csv"))
    assert [activity.distance_mm for activity in reading.activities[:3]] == [8_214_600, 5_012_300, 21_097_800]
    assert reading.activities[0].duration_ms == reading.activities[0].elapsed_ms == 2_790_000
    assert reading.findings == []


def test_a_real_run_is_read_as_strava_tells_it() -> None:
    (run,) = read_content(sample("strava-stravalib_activity.3_run.json")).activities
    assert (run.sport, run.distance_mm, run.duration_ms, run.elapsed_ms) == ("run", 5_781_100, 2_892_000, 3_140_000)
    assert run.started_at == datetime(2013, 12, 12, 19, 36, 41, tzinfo=UTC)
    assert run.clock_at_start == datetime.fromisoformat("2013-12-12T11:36:41")
    assert run.provenance["distance_mm"] == ("strava-stravalib_activity.3_run.json", "strava", "distance")


def test_a_real_hike_was_typed_in() -> None:
    (hike,) = read_content(sample("strava-stravalib_activity-manual.3_hike.json")).activities
    assert (hike.sport, hike.is_manual, hike.clock_at_start) == (
        "hike",
        True,
        datetime.fromisoformat("2013-11-17T08:00:00"),
    )


@pytest.mark.parametrize(
    ("name", "typed_in"),
    [
        ("strava-export-2024-en.csv", "16000000005"),
        ("garmin-api-push.json", "15000000060"),
        ("terra-activity.json", "made-up-5"),
        ("intervals-icu-activities.json", "i90000005"),
    ],
)
def test_what_was_typed_in_is_marked_and_says_where_that_stands(name: str, typed_in: str) -> None:
    activities = read_content(sample(name)).activities
    assert [activity.id for activity in activities if activity.is_manual] == [typed_in]
    assert {activity.provenance["is_manual"].file for activity in activities if activity.is_manual} == {name}


@pytest.mark.parametrize("name", ["garmin-api-push.json", "garmin-takeout-summarizedActivities.json"])
def test_a_triathlon_is_its_legs_and_not_the_whole_besides(name: str) -> None:
    reading = read_content(sample(name))
    assert "15000000050" not in {activity.id for activity in reading.activities}
    (leg,) = (activity for activity in reading.activities if activity.part_of is not None)
    assert (leg.sport, leg.part_of, leg.distance_mm) == ("run", "15000000050", 10_000_500)
    assert codes(reading) == {"multisport-leg": 1}


def test_an_empty_shell_is_a_finding_and_no_activity() -> None:
    reading = read_content(sample("intervals-icu-activities.json"))
    assert codes(reading) == {"empty-record": 1}
    assert len(reading.activities) == 5


@pytest.mark.parametrize("name", ["polar-takeout-training-session-1.6.json", "polar-takeout-training-session-2.6.json"])
def test_polars_takeout_is_read_in_both_its_forms_bare_nan_and_all(name: str) -> None:
    (run,) = read_content(sample(name)).activities
    assert (run.sport, run.distance_mm, run.ascent_m) == ("run", 8_214_600, 61.4)
    assert _starts_at(run, STORY[0][3])
    assert run.duration_ms == pytest.approx(2_712_000, abs=500)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_number_says_where_it_was_read(path: Path) -> None:
    for activity in read_content(Content(path.read_bytes(), name=path.name)).activities:
        told = {
            name: getattr(activity, name)
            for name in ("distance_mm", "duration_ms", "elapsed_ms", "ascent_m", "effort", "started_at")
        }
        for name, value in told.items():
            assert (name in activity.provenance) is (value is not None), name
        assert {origin.file for origin in activity.provenance.values()} == {path.name}
        assert {origin.reader for origin in activity.provenance.values()} == {_reader_of(path)}


def test_every_sample_is_accounted_for_in_the_readme() -> None:
    readme = (FOLDER / "README.md").read_text()
    prefixes = [line.split("`")[1].partition("*")[0] for line in readme.splitlines() if line.startswith("| `")]
    assert [path.name for path in SAMPLES if not any(path.name.startswith(prefix) for prefix in prefixes)] == []
