"""The same run from several files counts once and weighs the same; two runs that are two count twice."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.readers.activities import Activity, Origin
from app.readers.assembly import Collected, assemble
from app.readers.containers import Room
from app.readers.content import Content
from app.readers.importing import read_into
from app.readers.merging import are_one, merge
from tests.samples import sample
from tests.unit.training_files import as_gpx, as_tcx, points_of

FIT = sample("fit/activity-small-fenix2-run.fit")
POINTS = points_of(FIT)
FORMS = {
    "run.fit": FIT,
    "run.gpx": as_gpx(POINTS),
    "run.tcx": as_tcx(POINTS, seconds=2832, metres=9008.22),
}
TODAY = date(2015, 8, 20)
START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
RUN = Activity(
    source="a.fit", reader="fit", sport="run", started_at=START, distance_mm=10_000_000, duration_ms=3_000_000
)
THERE = Origin("b.gpx", "gpx", "there")


def imported(files: dict[str, bytes], *, today: date = TODAY) -> dict[str, Any]:
    collected = Collected()
    for name, raw in files.items():
        read_into(collected, Content(raw, name=name), room=Room())
    return assemble(collected, today=today, as_of=None, zone=None)


def later(seconds: float, **changes: Any) -> Activity:
    return replace(RUN, source="b.gpx", reader="gpx", started_at=START + timedelta(seconds=seconds), **changes)


def test_one_run_weighs_the_same_in_every_format() -> None:
    metres = {}
    for name, raw in FORMS.items():
        answer = imported({name: raw})
        (metres[name],) = [week["distance_m"] for week in answer["weeks"] if week["runs"]]
        (activity,) = answer["activities"]
        assert activity["started_on"] == "2015-08-15"
        assert activity["duration_s"] == pytest.approx(2832, abs=3)
    assert max(metres.values()) <= 1.03 * min(metres.values())


def test_one_run_in_three_formats_counts_once_and_the_finding_names_them_all() -> None:
    answer = imported(dict(reversed(FORMS.items())))
    assert [activity["source"] for activity in answer["activities"] if activity["counted"]] == ["run.fit"]
    assert [week["runs"] for week in answer["weeks"] if week["runs"]] == [1]
    assert len(answer["training"]["sessions"]) == 1
    (duplicate,) = [found for found in answer["findings"] if found["code"] == "duplicate"]
    assert {duplicate["source"], *duplicate["others"]} == set(FORMS)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (later(0), True),
        (later(299, distance_mm=10_490_000), True),
        (later(-299), True),
        (later(301), False),
        (later(10, distance_mm=10_600_000), False),
        (later(10, distance_mm=5_000_000), False),
        (later(10, sport="run_trail"), True),
        (later(10, sport="unknown"), True),
        (later(10, sport="ride"), False),
        (later(30, distance_mm=None), True),
        (later(290, distance_mm=None, duration_ms=900_000), False),
    ],
)
def test_two_are_one_by_kind_start_and_distance(other: Activity, same: bool) -> None:
    assert are_one(RUN, other) is same
    assert are_one(other, RUN) is same
    assert len(merge([RUN, other])) == (1 if same else 2)


@pytest.mark.parametrize(
    ("clock", "distance_mm", "same"),
    [
        ("2026-11-20T18:00:20", 10_050_000, True),
        ("2026-11-20T09:00:00", 10_000_000, True),
        ("2026-11-20T22:45:00", 10_000_000, True),
        ("2026-11-20T18:07:30", 10_000_000, False),
        ("2026-11-20T18:00:00", 10_200_000, False),
        ("2026-11-19T18:00:00", 10_000_000, False),
    ],
)
def test_a_local_time_and_a_moment_are_one_a_whole_zone_apart(clock: str, distance_mm: int, same: bool) -> None:
    other = later(0, distance_mm=distance_mm, clock_at_start=datetime.fromisoformat(clock))
    other = replace(other, started_at=None, reader="garmin-csv")
    assert are_one(RUN, other) is same
    merged = merge([other, RUN])
    assert len(merged) == (1 if same else 2)
    if same:
        assert (merged[0].activity.source, merged[0].activity.clock_at_start) == ("a.fit", other.clock_at_start)


def test_the_same_id_of_the_same_platform_is_one_and_of_another_is_not() -> None:
    one = replace(RUN, id="7", id_space="strava", started_at=None, started_on=date(2026, 11, 20))
    assert len(merge([one, replace(one, source="b.json")])) == 1
    assert len(merge([one, replace(one, id_space="garmin")])) == 2


def test_what_the_kept_one_lacks_is_taken_from_its_twin_with_its_origin() -> None:
    bare = replace(RUN, distance_mm=None)
    (merged,) = merge([later(5, effort=6.0, provenance={"distance_mm": THERE, "effort": THERE}), bare])
    assert (merged.activity.source, merged.activity.distance_mm, merged.activity.effort) == ("a.fit", 10_000_000, 6.0)
    assert dict(merged.activity.provenance) == {"distance_mm": THERE, "effort": THERE}


def test_two_alike_of_a_date_alone_both_count_with_a_finding() -> None:
    twin = b'{"started_on": "2015-08-15", "distance_m": 8000, "duration_s": 2400}'
    answer = imported({"log.json": b"[" + twin + b"," + twin + b"]"})
    assert len(answer["training"]["sessions"]) == 2
    assert [found["code"] for found in answer["findings"]] == ["date-only-twins"]


def test_merging_a_crowd_of_starts_ends_soon_and_keeps_what_differs() -> None:
    crowd = [
        replace(RUN, started_at=START + timedelta(seconds=n), distance_mm=round(1_000_000 * 1.06 ** (n % 100)))
        for n in range(10_000)
    ]
    assert len(merge(crowd)) > 1_000
