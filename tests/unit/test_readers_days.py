"""The runner's local day, by clock, zone and longitude; and what counts and what is doubtful."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.features.facts import facts_from
from app.features.load import session_spike_ratio
from app.readers.activities import Activity, Sport
from app.readers.assembly import Collected, assemble
from app.readers.days import LocalDay, derive_day
from app.readers.findings import FINDINGS
from app.readers.judging import judge
from app.runners import read_request

DAY = date(2026, 11, 20)
RUN = Activity(
    source="a",
    reader="gpx",
    sport="run",
    started_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    distance_mm=10_000_000,
    duration_ms=3_000_000,
)
EAST_DEG = {
    "America/Los_Angeles": -122, "America/New_York": -74, "Europe/Madrid": -4, "Asia/Urumqi": 88, "Asia/Tokyo": 140
}  # fmt: skip
CLOCK = LocalDay(DAY, "clock")


def at(hour: float, solar_offset_h: int | None = None) -> Activity:
    moment = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=hour)
    return replace(RUN, started_at=moment, solar_offset_h=solar_offset_h)


@pytest.mark.parametrize(
    ("activity", "day", "known_by"),
    [
        (at(2, -8), 19, "longitude"),  # six in the evening in San Francisco, the day before
        (at(18, -8), 20, "longitude"),
        (at(7.5, -8), 19, "utc"),  # around midnight there
        (at(22, 9), 21, "longitude"),  # morning in Japan
        (at(12, 0), 20, "longitude"),
        (at(12), 20, "utc"),
        (replace(at(2), clock_at_start=datetime.fromisoformat("2026-11-19T18:00:00")), 19, "clock"),
        (replace(RUN, started_at=None, started_on=date(2026, 11, 18)), 18, "clock"),
    ],
)
def test_the_day_is_the_runners(activity: Activity, day: int, known_by: str) -> None:
    assert derive_day(activity, zone=None) == (date(2026, 11, day), known_by)


def test_a_zone_that_is_given_wins_over_longitude() -> None:
    assert derive_day(at(2, -8), zone=ZoneInfo("Asia/Tokyo")) == (DAY, "clock")


@pytest.mark.parametrize(
    "zone", ["America/Los_Angeles", "America/New_York", "Europe/Madrid", "Asia/Urumqi", "Asia/Tokyo"]
)
@pytest.mark.parametrize("month", [1, 7])
def test_where_longitude_settles_the_day_the_clock_there_agrees(zone: str, month: int) -> None:
    solar = round(EAST_DEG[zone] / 15)
    for quarter in range(96):
        moment = datetime(2026, month, 15, tzinfo=UTC) + timedelta(minutes=15 * quarter)
        local = derive_day(replace(RUN, started_at=moment, solar_offset_h=solar), zone=None)
        if local.known_by == "longitude":
            assert local.day == moment.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("changes", "counts", "doubts"),
    [
        ({}, True, []),
        ({"sport": "walk"}, False, ["not-running"]),
        ({"is_manual": True}, True, ["manual-entry"]),
        ({"distance_mm": None}, True, ["missing-distance"]),
        ({"duration_ms": None}, True, ["missing-duration"]),
        ({"duration_ms": 1_200_000}, False, ["impossible-pace"]),
        ({"distance_mm": 400_000, "duration_ms": 44_000}, True, []),
        ({"distance_mm": 100_000, "duration_ms": 7_000}, False, ["impossible-pace"]),
        ({"duration_ms": 9_000_000}, True, ["walking-pace"]),
        ({"distance_mm": 160_000_000, "duration_ms": 30 * 3_600_000}, True, []),
        ({"duration_ms": 27 * 24 * 3_600_000}, True, ["watch-left-running"]),
        ({"duration_ms": 6 * 3_600_000}, True, ["watch-left-running"]),
        ({"sport": "unknown"}, True, ["unknown-sport"]),
        ({"sport": "unknown", "duration_ms": 7_200_000}, False, ["not-running"]),
        ({"sport": "unknown", "duration_ms": None}, False, ["not-running"]),
    ],
)
def test_what_counts_as_a_run_and_what_is_doubtful(changes: dict[str, Any], counts: bool, doubts: list[str]) -> None:
    judged = judge(replace(RUN, **changes), local=CLOCK, last_on=DAY)
    assert (judged.is_run, judged.doubts) == (counts, doubts)


def test_the_time_of_a_watch_left_running_is_not_counted_and_the_distance_is() -> None:
    judged = judge(replace(RUN, duration_ms=27 * 24 * 3_600_000), local=CLOCK, last_on=DAY)
    assert (judged.activity.distance_mm, judged.activity.duration_ms) == (10_000_000, None)


@pytest.mark.parametrize(
    ("local", "doubts"),
    [(LocalDay(None, "utc"), ["no-timestamp"]), (LocalDay(DAY + timedelta(days=1), "clock"), ["in-the-future"])],
)
def test_a_run_without_a_day_that_can_be_does_not_count(local: LocalDay, doubts: list[str]) -> None:
    judged = judge(RUN, local=local, last_on=DAY)
    assert (judged.is_run, judged.doubts) == (False, doubts)


def test_whatever_is_assembled_is_scored_without_a_fault() -> None:
    odd = [
        RUN,
        replace(RUN, started_at=at(2, -8).started_at, solar_offset_h=-8),
        replace(RUN, started_at=None, started_on=DAY),
        replace(RUN, started_at=at(30).started_at, clock_at_start=datetime.fromisoformat("2026-11-21T06:00:00")),
        replace(RUN, started_at=at(40).started_at, distance_mm=None, duration_ms=None, effort=3.5, ascent_m=12.5),
        replace(RUN, started_at=at(50).started_at, distance_mm=13_000, duration_ms=1_000),
        replace(RUN, sport="ride", started_at=at(60).started_at),
        replace(RUN, started_at=datetime(2024, 1, 1, tzinfo=UTC)),
    ]
    answer = assemble(Collected(activities=odd), today=date(2026, 11, 26), as_of=None, zone=None)
    body = json.dumps({"as_of": "2026-11-26", "runner": {}, "training": answer["training"]}).encode()
    read = read_request(body, today=date(2026, 11, 26))
    assert len(read.request.training.sessions or []) == len(answer["training"]["sessions"]) == 5
    assert answer["other_sport_hours_per_week"] == 0.2
    codes = {found["code"] for found in answer["findings"]}
    assert {"older-than-400-days", "impossible-pace", "not-running", "missing-distance", "other-sport-hours"} <= codes


def on_days(*days: str, sport: Sport = "run") -> list[Activity]:
    return [replace(RUN, sport=sport, started_at=None, started_on=date.fromisoformat(day)) for day in days]


TO_THE_DAY = "2026-11-25"
"""The 37 days up to it begin on the 20th of October."""


@pytest.mark.parametrize(
    ("activities", "holes"),
    [
        (on_days("2026-10-25", "2026-11-08", TO_THE_DAY), ["From 2026-11-09 to 2026-11-24."]),
        (on_days("2026-10-25", "2026-11-09", TO_THE_DAY),
         ["From 2026-10-26 to 2026-11-08.", "From 2026-11-10 to 2026-11-24."]),
        (on_days("2026-10-28", "2026-11-11", TO_THE_DAY), []),
        # Only what features read of it counts, and the whole of it is told.
        (on_days("2026-09-01", "2026-11-03", "2026-11-14", TO_THE_DAY), ["From 2026-09-02 to 2026-11-02."]),
        (on_days("2026-09-01", "2026-11-02", "2026-11-14", TO_THE_DAY), []),
        # Nothing since then is a hole as well; what was before the log began is not known, and none.
        (on_days("2026-11-02", "2026-11-11"), ["From 2026-11-12 to 2026-11-25."]),
        (on_days(TO_THE_DAY), []),
        ([*on_days("2026-09-01", sport="ride"), *on_days(TO_THE_DAY)], []),
        # Whoever rides was not without a watch.
        ([*on_days("2026-10-25", TO_THE_DAY), *on_days("2026-11-08", sport="ride"),
          *on_days("2026-11-20", sport="walk")], []),
        (on_days("2025-01-01"), []),
    ],
)  # fmt: skip
def test_weeks_without_any_activity_are_named_since_they_count_as_rest(
    activities: list[Activity], holes: list[str]
) -> None:
    day = date.fromisoformat(TO_THE_DAY)
    answer = assemble(Collected(activities=activities), today=day, as_of=day, zone=None)

    found = [each for each in answer["findings"] if each["code"] == "weeks-without-activities"]
    assert [each["message"].removeprefix(f"{FINDINGS['weeks-without-activities'].message} ") for each in found] == holes
    assert {(each["severity"], each["pointer"]) for each in found} <= {("warning", "")}


def test_the_finding_comes_before_the_score_speaks_of_a_break() -> None:
    activities = on_days("2026-10-15", TO_THE_DAY)
    day = date.fromisoformat(TO_THE_DAY)
    answer = assemble(Collected(activities=activities), today=day, as_of=day, zone=None)
    facts = facts_from({"training": answer["training"]}, as_of=TO_THE_DAY)

    assert "weeks-without-activities" in {found["code"] for found in answer["findings"]}
    assert session_spike_ratio(facts) == (10_000_000, 0)
