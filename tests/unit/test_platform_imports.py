"""The same runner from every platform at once: each run counts once, on the runner's own day."""

import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.readers import read_content
from app.readers.assembly import Collected, assemble
from app.readers.content import Content
from app.runners.requests import read_request
from tests.unit.platform_samples import SAMPLES, sample

AS_OF = date(2026, 11, 20)
# Day, metres: the runs of the story that the README of the samples tells.
RUNS = [("2026-11-02", 8214.6), ("2026-11-05", 5012.3), ("2026-11-07", 21097.8)]
STORIES = [path.name for path in SAMPLES if not path.name.startswith(("strava-official", "strava-stravalib"))]
WHOLE_STORIES = [name for name in STORIES if not name.startswith(("polar-takeout", "polar-accesslink-exercise-by"))]
IN_UTC = [name for name in STORIES if name.startswith("strava-export")]


def _import(*names: str, zone: str | None = None) -> dict[str, Any]:
    collected = Collected()
    for name in names:
        reading = read_content(sample(name))
        collected.take(reading.activities, reading.findings)
    return assemble(collected, today=AS_OF, as_of=AS_OF, zone=None if zone is None else ZoneInfo(zone))


def _sessions(answer: dict[str, Any]) -> list[tuple[str, float]]:
    return [(session["started_on"], session["distance_m"]) for session in answer["training"]["sessions"]]


@pytest.mark.parametrize("name", WHOLE_STORIES)
def test_runs_are_on_the_runners_days(name: str) -> None:
    first = _sessions(_import(name, zone="Europe/Berlin"))[: len(RUNS)]
    assert [day for day, _ in first] == [day for day, _ in RUNS]
    assert [metres for _, metres in first] == pytest.approx([metres for _, metres in RUNS], rel=0.005)


@pytest.mark.parametrize("name", IN_UTC)
def test_a_run_at_a_quarter_past_midnight_is_of_the_day_before_in_utc_and_said_to_be_unsure(name: str) -> None:
    answer = _import(name)
    assert _sessions(answer)[1][0] == "2026-11-04"
    assert "local-day-unsure" in {found["code"] for found in answer["findings"]}


def test_every_platform_together_counts_each_run_once() -> None:
    sessions = _sessions(_import(*STORIES, zone="Europe/Berlin"))
    assert [day for day, _ in sessions] == [
        *(day for day, _ in RUNS),
        "2026-11-10",  # typed in
        "2026-11-12",  # the treadmill
        "2026-11-15",  # the triathlon's last leg
    ]
    told = [*(metres for _, metres in RUNS), 6000.0, 4880.0, 10000.5]
    assert [metres for _, metres in sessions] == pytest.approx(told, rel=0.005)


@pytest.mark.parametrize("first", STORIES)
@pytest.mark.parametrize("second", ["garmin-connect-km.csv", "strava-export-2024-en.csv", "garmin-api-push.json"])
def test_any_two_platforms_together_count_each_run_once(first: str, second: str) -> None:
    days = [day for day, _ in _sessions(_import(first, second, zone="Europe/Berlin"))]
    assert len(days) == len(set(days))


def test_a_run_that_took_no_time_keeps_its_distance_and_can_be_scored() -> None:
    told = {
        "id": 9,
        "resource_state": 2,
        "type": "Run",
        "start_date": "2026-11-07T05:40:00Z",
        "start_date_local": "2026-11-07T06:40:00Z",
        "distance": 8214.6,
        "moving_time": 0,
        "elapsed_time": 0,
    }
    collected = Collected()
    reading = read_content(Content(json.dumps([told]).encode(), name="strava.json"))
    collected.take(reading.activities, reading.findings)
    answer = assemble(collected, today=AS_OF, as_of=AS_OF, zone=None)
    (run,) = answer["training"]["sessions"]
    assert (run["distance_m"], run["duration_s"]) == (8214.6, None)
    request = {"as_of": str(AS_OF), "runner": {}, "training": answer["training"]}
    assert read_request(json.dumps(request).encode(), today=AS_OF).as_of == AS_OF
