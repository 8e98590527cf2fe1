"""The training log is counted once, into whole millimetres and milliseconds by day."""

from datetime import date

import pytest

from app.features import facts_from
from tests.unit.requests import Json, day, log, reading, run, wire


@pytest.mark.parametrize(("metres", "mm"), [(0.0625, 62), (0.1875, 188), (9000.0004, 9_000_000), (1e6, 10**9)])
def test_metres_become_whole_millimetres_half_to_even(metres: float, mm: int) -> None:
    assert facts_from({"training": log(run(3, metres))}).log.distance_mm[3] == mm


def test_the_runs_of_a_day_are_added_and_the_longest_is_kept() -> None:
    counts = facts_from(
        {"training": log(run(3, 9_000, duration_s=3_000), run(3, 4_000, duration_s=1_500.0005), run(3), run(4, 1_000))}
    ).log
    assert counts.distance_mm[3] == 13_000_000
    assert counts.longest_mm[3] == 9_000_000
    assert counts.duration_ms[3] == 4_500_000
    assert counts.runs[2:5] == [0, 3, 1]
    assert counts.unknown_distances[2:5] == [0, 1, 0]
    assert counts.unknown_durations[2:5] == [0, 1, 1]
    assert counts.last_run_age == 3
    assert counts.observed_age == 60
    assert not counts.all_distances_known


def test_a_run_longer_ago_than_any_feature_looks_is_only_the_last_run() -> None:
    counts = facts_from({"training": log(run(37, 9_000))}).log
    assert sum(counts.distance_mm) == 0
    assert counts.last_run_age == 37
    assert facts_from({"training": log(run(36, 9_000))}).log.distance_mm[36] == 9_000_000


def test_a_session_of_no_length_is_no_run_and_one_of_no_time_is() -> None:
    counts = facts_from({"training": log(run(3, 0, duration_s=600), run(4, None, duration_s=0))}).log
    assert counts.runs[3:5] == [0, 1]
    assert counts.duration_ms[3:5] == [0, 0]
    assert counts.unknown_durations[3:5] == [0, 0]


@pytest.mark.parametrize(
    ("training", "has_log", "observed_age"),
    [
        ({}, False, -1),
        ({"sessions": []}, False, -1),
        ({"observed_from": day(9)}, False, -1),
        ({"sessions": [], "observed_from": day(9)}, True, 9),
        ({"sessions": [run(3), run(20), run(5)]}, True, 20),
        ({"sessions": [run(3)], "observed_from": day(9)}, True, 9),
        ({"sessions": [run(30)], "observed_from": day(9)}, True, 9),
        ({"weekly_distance_m": [9_000], "observed_from": day(9)}, False, -1),
    ],
)
def test_a_log_is_sessions_or_a_beginning_with_an_empty_list(training: Json, has_log: bool, observed_age: int) -> None:
    facts = facts_from({"training": training})
    assert facts.has_log is has_log
    assert facts.log.observed_age == observed_age


def test_facts_take_the_day_of_a_start_where_no_day_is_told() -> None:
    sessions = [{"started_at": "2026-11-20T23:30:00-05:00", "distance_m": 9_000}]
    assert facts_from({"training": {"sessions": sessions}}).log.distance_mm[3] == 9_000_000


def test_days_count_back_from_the_day_of_the_score() -> None:
    facts = facts_from({"training": log(run(3, 9_000), since=None)}, as_of=day(-2))
    assert facts.as_of == date(2026, 11, 25)
    assert facts.log.distance_mm[5] == 9_000_000


def test_a_log_seen_days_later_has_rest_in_between() -> None:
    early = facts_from({"training": log(run(3, 9_000, duration_s=3_000), run(36, 5_000), since=40)}).log
    late = early.with_run_in(2, distance_mm=7_000_000, duration_ms=None)
    assert late.distance_mm[:6] == [7_000_000, 0, 0, 0, 0, 9_000_000]
    assert late.longest_mm[:6] == [7_000_000, 0, 0, 0, 0, 9_000_000]
    assert sum(late.distance_mm) == 16_000_000  # the oldest day has left the list
    assert len(late.distance_mm) == len(early.distance_mm)
    assert (late.last_run_age, late.observed_age) == (0, 42)
    assert (late.runs[0], late.unknown_durations[0], late.duration_ms[0]) == (1, 1, 0)


def test_a_run_more_today_is_in_every_count() -> None:
    before = facts_from({"training": log(run(0, 9_000, duration_s=3_600), run(1, 5_000))}).log
    after = before.with_run_in(0, distance_mm=10_000_000, duration_ms=3_600_000)
    assert after.longest_mm[:2] == [10_000_000, 5_000_000]
    assert after.distance_mm[:2] == [19_000_000, 5_000_000]
    assert after.duration_ms[0] == 7_200_000
    assert after.met_tenths_ms[0] == before.met_tenths_ms[0] + 93 * 3_600_000
    assert after.runs[0] == 2
    assert after.unknown_durations[0] == 0
    assert after.last_run_age == 0


def test_a_run_more_today_may_be_shorter_and_of_unknown_time() -> None:
    before = facts_from({"training": log(run(0, 9_000, duration_s=3_600))}).log
    after = before.with_run_in(0, distance_mm=4_000_000, duration_ms=None)
    assert after.longest_mm[0] == 9_000_000
    assert after.duration_ms[0] == 3_600_000
    assert after.met_tenths_ms[0] == before.met_tenths_ms[0]
    assert after.unknown_durations[0] == 1


def test_the_order_of_the_sessions_does_not_matter() -> None:
    sessions = [run(3, 9_000, duration_s=3_000), run(3, 4_000), run(9, 12_000), run(20)]
    one = wire({}, log(*sessions, since=None))
    other = wire({}, log(*reversed(sessions), since=None))
    for feature in ("session_spike_ratio", "weekly_distance_m", "weekly_met_min", "days_since_run"):
        assert reading(feature, one) == reading(feature, other)
