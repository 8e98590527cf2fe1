"""Records of platforms: local days around midnight and clock changes, what is left out, and what is refused."""

import json
from datetime import datetime
from typing import Any

import pytest

from app.errors import UnreadableTrainingError
from app.readers import READERS
from app.readers.content import Content
from app.readers.records import RECORDS_MOST
from tests.unit.platform_samples import codes, only, read

STRAVA: dict[str, Any] = {
    "id": 1,
    "resource_state": 2,
    "type": "Run",
    "start_date": "2026-03-29T00:30:00Z",
    "start_date_local": "2026-03-29T01:30:00Z",
    "timezone": "(GMT+01:00) Europe/Berlin",
    "utc_offset": 3600.0,
    "distance": 8000.0,
    "moving_time": 2700,
    "elapsed_time": 2760,
}
GARMIN = {
    "summaryId": "7",
    "activityId": 7,
    "activityType": "RUNNING",
    "startTimeInSeconds": 1_774_744_200,  # 2026-03-29T00:30:00Z
    "startTimeOffsetInSeconds": 3600,
    "durationInSeconds": 2700,
    "distanceInMeters": 8000.0,
}
TAKEOUT = {
    "activityId": 7,
    "activityType": "running",
    "startTimeGmt": 1_774_744_200_000.0,
    "startTimeLocal": 1_774_747_800_000.0,
    "duration": 2_700_000.0,
    "distance": 800_000.0,
}
OPEN_WEARABLES = {
    "id": "0b6c",
    "type": "running",
    "start_time": "2026-03-29T00:30:00Z",
    "end_time": "2026-03-29T01:16:00Z",
    "duration_seconds": 2700,
    "source": {"provider": "garmin", "device": None},
    "distance_meters": 8000.0,
    "zone_offset": "+01:00",
}
TERRA: dict[str, Any] = {
    "metadata": {
        "start_time": "2026-03-29T01:30:00.000000+01:00",
        "end_time": "2026-03-29T03:16:00.000000+02:00",
        "type": 8,
        "summary_id": "s",
    },
    "distance_data": {"summary": {"distance_meters": 8000.0}},
    "active_durations_data": {"activity_seconds": 2700},
}
SUUNTO = {
    "workoutKey": "k",
    "activityId": 1,
    "startTime": 1_774_744_200_000,
    "stopTime": 1_774_746_960_000,
    "totalTime": 2700.0,
    "timeOffsetInMinutes": 60,
    "totalDistance": 8000,
}
POLAR = {
    "id": "p",
    "start-time": "2026-03-29T01:30:00",
    "start-time-utc-offset": 60,
    "duration": "PT45M",
    "distance": 8000.0,
    "sport": "RUNNING",
    "detailed-sport-info": "RUNNING",
}
INTERVALS = {
    "id": "i1",
    "type": "Run",
    "start_date": "2026-03-29T00:30:00Z",
    "start_date_local": "2026-03-29T01:30:00",
    "distance": 8000.0,
    "moving_time": 2700,
    "icu_training_load": 40,
}
# Reader, a record, and the paths of its start, distance and duration.
ALIKE: list[tuple[str, dict[str, Any], str, str]] = [
    ("strava", STRAVA, "distance", "moving_time"),
    ("garmin-api", GARMIN, "distanceInMeters", "durationInSeconds"),
    ("garmin-takeout", TAKEOUT, "distance", "duration"),
    ("open-wearables", OPEN_WEARABLES, "distance_meters", "duration_seconds"),
    ("terra", TERRA, "distance_data.summary.distance_meters", "active_durations_data.activity_seconds"),
    ("suunto", SUUNTO, "totalDistance", "totalTime"),
    ("polar", POLAR, "distance", "duration"),
    ("intervals-icu", INTERVALS, "distance", "moving_time"),
]
IDS = [reader for reader, *_ in ALIKE]


def _with(record: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of a record with another value at a dotted path."""
    name, _, rest = path.partition(".")
    return record | {name: _with(record[name], rest, value) if rest else value}


@pytest.mark.parametrize(("reader", "record", "distance", "duration"), ALIKE, ids=IDS)
def test_a_run_before_the_clocks_change_is_of_the_runners_day(
    reader: str, record: dict[str, Any], distance: str, duration: str
) -> None:
    run = only(read(json.dumps([record]), reader=reader))
    assert run.clock_at_start == datetime.fromisoformat("2026-03-29T01:30:00")
    assert run.started_at is not None
    assert run.started_at.timestamp() == 1_774_744_200
    assert (run.distance_mm, run.duration_ms, run.sport) == (8_000_000, 2_700_000, "run")


@pytest.mark.parametrize(("reader", "record", "distance", "duration"), ALIKE, ids=IDS)
@pytest.mark.parametrize("value", [-1, 1e12, True, "8000 m", [8000], {"m": 8000}, None])
def test_a_distance_that_makes_no_sense_is_left_out_and_the_run_is_not(
    reader: str, record: dict[str, Any], distance: str, duration: str, value: object
) -> None:
    reading = read(json.dumps([_with(record, distance, value), record]), reader=reader)
    assert [run.distance_mm for run in reading.activities] == [None, 8_000_000]
    assert reading.activities[0].duration_ms == 2_700_000
    is_number = isinstance(value, int | float)
    assert codes(reading) == ({"unreadable-number": 1} if is_number else {})


@pytest.mark.parametrize(("reader", "record", "distance", "duration"), ALIKE, ids=IDS)
def test_nan_and_numbers_without_end_are_left_out_and_the_run_is_not(
    reader: str, record: dict[str, Any], distance: str, duration: str
) -> None:
    raw = json.dumps([_with(record, distance, "HERE")])
    for told in ("NaN", "-Infinity", "1e999", "1E400"):
        reading = read(raw.replace('"HERE"', told), reader=reader)
        assert only(reading).distance_mm is None
        assert only(reading).duration_ms == 2_700_000


@pytest.mark.parametrize(("reader", "record", "distance", "duration"), ALIKE, ids=IDS)
def test_entries_that_are_no_records_are_counted(
    reader: str, record: dict[str, Any], distance: str, duration: str
) -> None:
    reading = read(json.dumps([record, None, 7, "x", [record], True]), reader=reader)
    # A takeout may nest its lists, so there the inner one is read too.
    is_nested = reader == "garmin-takeout"
    assert len(reading.activities) == (2 if is_nested else 1)
    assert codes(reading) == {"not-an-activity": 4 if is_nested else 5}


@pytest.mark.parametrize(("reader", "record", "distance", "duration"), ALIKE, ids=IDS)
def test_a_record_of_nulls_is_an_activity_of_which_nothing_is_known(
    reader: str, record: dict[str, Any], distance: str, duration: str
) -> None:
    reading = read(json.dumps([record, dict.fromkeys(record)]), reader=reader)
    assert all(run.distance_mm is None for run in reading.activities[1:])
    assert set(codes(reading)) <= {"empty-record"}


@pytest.mark.parametrize(("reader", "record", "distance", "duration"), ALIKE, ids=IDS)
def test_more_records_than_a_reading_process_can_hold_are_cut_and_said(
    reader: str, record: dict[str, Any], distance: str, duration: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.readers.records.RECORDS_MOST", 3)
    assert RECORDS_MOST > 3
    reading = read(json.dumps([record] * 5), reader=reader)
    assert len(reading.activities) == 3
    assert codes(reading) == {"salvaged": 1}


@pytest.mark.parametrize("reader", IDS)
@pytest.mark.parametrize("raw", [b"", b"7", b'"x"', b"{", b"\xff\xfe\x00", b"a,b,c\n1,2,3\n", b"[" * 5000])
def test_what_is_no_json_at_all_is_refused_by_name(reader: str, raw: bytes) -> None:
    with pytest.raises(UnreadableTrainingError) as refused:
        READERS[reader].read(Content(raw, name="../../runs.json"))
    assert refused.value.source == "runs.json"


@pytest.mark.parametrize("reader", IDS)
def test_an_empty_page_is_no_fault(reader: str) -> None:
    reading = READERS[reader].read(Content(b"[]", name="page"))
    assert (reading.activities, reading.findings) == ([], [])


@pytest.mark.parametrize(
    ("record", "clock"),
    [
        (STRAVA | {"start_date_local": None}, datetime.fromisoformat("2026-03-29T01:30:00")),
        (STRAVA | {"start_date_local": None, "utc_offset": None}, datetime.fromisoformat("2026-03-29T01:30:00")),
        # An hour later summer time has begun, which '(GMT+01:00)' does not know and the zone's name does.
        (
            STRAVA | {"start_date": "2026-03-29T01:30:00Z", "start_date_local": None, "utc_offset": None},
            datetime.fromisoformat("2026-03-29T03:30:00"),
        ),
        (STRAVA | {"start_date_local": None, "utc_offset": None, "timezone": "(GMT+01:00) Mars/Base"}, None),
        (STRAVA | {"start_date_local": None, "utc_offset": None, "timezone": "../../etc/passwd"}, None),
        (STRAVA | {"start_date_local": None, "utc_offset": 1e9, "timezone": 3}, None),
    ],
)
def test_stravas_clock_is_local_time_then_the_offset_then_the_zone(
    record: dict[str, Any], clock: datetime | None
) -> None:
    assert only(read(json.dumps([record]), reader="strava")).clock_at_start == clock


def test_stravas_local_start_says_z_and_is_local_all_the_same() -> None:
    late = STRAVA | {"start_date": "2026-11-05T02:10:00Z", "start_date_local": "2026-11-04T18:10:00Z"}
    run = only(read(json.dumps(late), reader="strava"))
    assert str(run.clock_at_start) == "2026-11-04 18:10:00"
    assert str(run.started_at) == "2026-11-05 02:10:00+00:00"


@pytest.mark.parametrize(
    ("changed", "sport"),
    [
        ({"sport_type": "TrailRun"}, "run_trail"),
        ({"sport_type": "VirtualRun"}, "run_treadmill"),
        ({"sport_type": "Run", "trainer": True}, "run_treadmill"),
        ({"sport_type": "Run", "trainer": "true"}, "run"),
        ({"sport_type": "Walk"}, "walk"),
        ({"sport_type": "EMountainBikeRide"}, "ride"),
        ({"sport_type": "WheelchairRun"}, "other"),
        ({"type": None, "sport_type": None}, "unknown"),
        ({"type": 7}, "unknown"),
    ],
)
def test_stravas_sports(changed: dict[str, Any], sport: str) -> None:
    assert only(read(json.dumps([STRAVA | changed]), reader="strava")).sport == sport


def test_a_mention_of_a_strava_activity_is_an_empty_record() -> None:
    reading = read(json.dumps([{"id": 1, "resource_state": 1}, STRAVA]), reader="strava")
    assert len(reading.activities) == 1
    assert codes(reading) == {"empty-record": 1}


def test_a_shell_alone_is_intervals_icus_and_no_activity() -> None:
    reading = read('[{"id": "16457456654", "source": "STRAVA"}]', reader="intervals-icu")
    assert reading.activities == []
    assert codes(reading) == {"empty-record": 1}


@pytest.mark.parametrize(
    ("metadata", "moment", "clock"),
    [
        ({"start_time": "2026-03-29T01:30:00+01:00"}, "2026-03-29 01:30:00+01:00", "2026-03-29 01:30:00"),
        ({"start_time": "2026-03-29T00:30:00Z"}, "2026-03-29 00:30:00+00:00", "None"),
        # Local time under an offset that is not the runner's.
        ({"start_time": "2026-03-29T01:30:00+00:00", "timestamp_localization": 1}, "None", "2026-03-29 01:30:00"),
        ({"start_time": "yesterday"}, "None", "None"),
    ],
)
def test_terras_start_is_local_where_it_says_so(metadata: dict[str, Any], moment: str, clock: str) -> None:
    run = only(read(json.dumps([TERRA | {"metadata": TERRA["metadata"] | metadata}]), reader="terra"))
    assert (str(run.started_at), str(run.clock_at_start)) == (moment, clock)


def test_terras_totals_of_a_day_are_no_activity() -> None:
    day: dict[str, Any] = {"metadata": {"start_time": "2026-03-29T00:00:00Z", "end_time": "2026-03-30T00:00:00Z"}}
    daily: dict[str, Any] = day | {
        "distance_data": {"distance_meters": 9000},
        "active_durations_data": {"activity_seconds": 1},
    }
    for body in ({"type": "daily", "data": [daily]}, [daily]):
        assert not READERS["terra"].sniff(Content(json.dumps(body).encode(), name="x"))


@pytest.mark.parametrize("more", [{"activeTimeInSeconds": 600, "met": 9.0}, {"calendarDate": "2026-03-29"}])
def test_garmins_epochs_and_days_are_no_activities(more: dict[str, Any]) -> None:
    assert not READERS["garmin-api"].sniff(Content(json.dumps([GARMIN | more]).encode(), name="x"))


def test_garmins_details_are_read_by_their_summary() -> None:
    details = {"activityDetails": [{"summaryId": "7-detail", "summary": GARMIN, "samples": [{"heartRate": 1}]}]}
    run = only(read(json.dumps(details), reader="garmin-api"))
    assert (run.id, run.id_space, run.distance_mm) == ("7", "garmin", 8_000_000)
    assert run.provenance["distance_mm"].field == "activityDetails[0].summary.distanceInMeters"


def test_what_garmin_lists_as_edited_by_hand_is_marked() -> None:
    run = only(read(json.dumps({"manuallyUpdatedActivities": [GARMIN]}), reader="garmin-api"))
    assert run.is_manual
    assert run.provenance["is_manual"].field == "manuallyUpdatedActivities[0]"


@pytest.mark.parametrize(
    ("number", "sport"),
    [(1, "run"), (22, "run_trail"), (53, "run_treadmill"), (103, "run_track"), (0, "walk"), (11, "hike"), (2, "ride")],
)
def test_suuntos_activity_numbers(number: int, sport: str) -> None:
    assert only(read(json.dumps({"payload": [SUUNTO | {"activityId": number}]}), reader="suunto")).sport == sport


@pytest.mark.parametrize(
    ("told", "ms"),
    [("PT52M13S", 3_133_000), ("PT2H44M0.25S", 9_840_250), ("PT3133.5S", 3_133_500), ("P", None), (52, None)],
)
def test_polars_durations(told: object, ms: int | None) -> None:
    assert only(read(json.dumps([POLAR | {"duration": told}]), reader="polar")).duration_ms == ms


@pytest.mark.parametrize(
    ("sport", "detailed", "expected"),
    [
        ("RUNNING", "TRAIL_RUNNING", "run_trail"),
        ("OTHER", "TREADMILL_RUNNING", "run_treadmill"),
        ("RUNNING", "JOGGING", "run"),
        ("RUNNING", "SOMETHING_NEW", "run"),
        ("OTHER", "WALKING_NORDIC", "walk"),
        ("OTHER", "ORIENTEERING", "other"),
        (None, None, "unknown"),
    ],
)
def test_polars_detailed_sport_counts_before_the_coarse_one(
    sport: str | None, detailed: str | None, expected: str
) -> None:
    record = POLAR | {"sport": sport, "detailed-sport-info": detailed}
    assert only(read(json.dumps([record]), reader="polar")).sport == expected


def test_a_multisport_session_of_polars_takeout_is_its_exercises() -> None:
    leg = {"durationMillis": 1_800_000, "sport": {"id": "2"}, "distanceMeters": 15_000}
    session = {
        "identifier": {"id": "9"},
        "startTime": "2026-03-29T08:00:00",
        "durationMillis": 3_600_000,
        "timezoneOffsetMinutes": 120,
        "product": {"modelName": "Polar Pacer"},
        "exercises": [
            leg | {"startTime": "2026-03-29T08:00:00"},
            leg | {"startTime": "2026-03-29T08:31:00", "sport": {"id": "27"}, "distanceMeters": 6_000.5},
        ],
    }
    reading = read(json.dumps(session), reader="polar")
    assert [(one.sport, one.part_of, one.id) for one in reading.activities] == [
        ("ride", "9", None),
        ("run_trail", "9", None),
    ]
    assert reading.activities[1].distance_mm == 6_000_500
    assert str(reading.activities[1].started_at) == "2026-03-29 06:31:00+00:00"
    assert reading.activities[1].device == "Polar Pacer"


def test_an_id_or_a_device_that_cannot_be_printed_is_left_out() -> None:
    run = only(read(json.dumps([STRAVA | {"id": "a\u001b[31m", "device_name": "x\u0000"}]), reader="strava"))
    assert (run.id, run.id_space, run.device) == (None, None, None)


@pytest.mark.parametrize(("reader", "record", "distance", "duration"), ALIKE, ids=IDS)
def test_a_run_that_took_time_and_went_nowhere_was_not_measured(
    reader: str, record: dict[str, Any], distance: str, duration: str
) -> None:
    run = only(read(json.dumps([_with(record, distance, 0)]), reader=reader))
    assert (run.distance_mm, run.duration_ms) == (None, 2_700_000)
    assert "distance_mm" not in run.provenance


def test_an_activity_that_was_stopped_at_once_went_0_m() -> None:
    stopped = STRAVA | {"distance": 0.0, "moving_time": 0, "elapsed_time": 0}
    assert only(read(json.dumps([stopped]), reader="strava")).distance_mm == 0
    assert only(read(json.dumps([STRAVA | {"distance": 0.0, "type": "Yoga"}]), reader="strava")).distance_mm == 0


def test_millions_of_empty_objects_are_not_even_parsed() -> None:
    content = Content(b"[" + b"{}," * 1_000_001 + b"{}]", name="x.json")
    assert content.json is None


@pytest.mark.parametrize(
    ("number", "sport"), [("1", "run"), (17, "run_treadmill"), ("83", "other"), ("9999", "unknown")]
)
def test_a_number_of_polars_that_is_not_known_may_be_any_sport(number: object, sport: str) -> None:
    session = {"startTime": "2026-03-29T08:00:00", "durationMillis": 1_800_000, "sport": {"id": number}}
    assert only(read(json.dumps([session | {"exercises": [session]}]), reader="polar")).sport == sport


def test_a_webhook_of_open_wearables_holds_one_workout() -> None:
    event = {"type": "workout.created", "data": OPEN_WEARABLES | {"zone_offset": "+05:30"}}
    run = only(read(json.dumps(event), reader="open-wearables"))
    assert str(run.clock_at_start) == "2026-03-29 06:00:00"
    assert run.provenance["distance_mm"].field == "data.distance_meters"


def test_a_webhook_of_suuntos_holds_one_workout() -> None:
    run = only(read(json.dumps({"type": "WORKOUT_CREATED", "workout": SUUNTO | {"stopTime": None}}), reader="suunto"))
    assert (run.distance_mm, run.elapsed_ms) == (8_000_000, None)
    assert run.provenance["distance_mm"].field == "workout.totalDistance"


@pytest.mark.parametrize("told", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"])
@pytest.mark.parametrize(
    ("reader", "record", "path"),
    [
        ("strava", STRAVA, "start_date"),
        ("intervals-icu", INTERVALS, "start_date"),
        ("open-wearables", OPEN_WEARABLES, "start_time"),
        ("terra", TERRA, "metadata.start_time"),
        ("polar", POLAR, "start-time"),
    ],
)
def test_a_start_of_no_day_that_a_platform_knows_is_left_out(
    reader: str, record: dict[str, Any], path: str, told: str
) -> None:
    run = only(read(json.dumps([_with(record, path, told)]), reader=reader))
    assert (run.started_at, run.distance_mm) == (None, 8_000_000)
