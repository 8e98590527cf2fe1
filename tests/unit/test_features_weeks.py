"""Weeks, days and minutes of the log: rest is known, what lies before the log is not."""

from itertools import pairwise
from typing import Any

import pytest

from app.features import FEATURES, NOT_APPLICABLE, Reading
from app.features.facts import met_tenths
from tests.unit.requests import Json, log, reading, run, wire

FIRST_YEAR = {"running_years": 0.5}
LATER = {"running_years": 3}
NOVICE = "weekly_progression_novice_ratio"
UNLOGGED = "weekly_progression_unlogged_ratio"


def number(feature: str, training: Json, runner: Json | None = None) -> float | str | None:
    got: Reading = reading(feature, wire(runner, training))
    if got is NOT_APPLICABLE:
        return "not applicable"
    if not isinstance(got, tuple):
        assert got is None
        return None
    numerator, denominator = got
    if denominator == 0:
        return float("inf") if numerator else 0.0
    return numerator / denominator


def weeks(*metres: float | None) -> Json:
    """Weekly distances, oldest first."""
    return {"weekly_distance_m": list(metres)}


# --- weekly progression --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (weeks(10_000, 10_000, 10_000, 13_000), 1.3),
        (weeks(99_000, 10_000, 10_000, 10_000, 13_000), 1.3),  # only the three weeks before
        (weeks(8_000, 12_000, 15_000), 1.5),  # two weeks before are enough
        (weeks(10_000, 15_000), None),
        (weeks(15_000), None),
        (weeks(), None),
        ({}, None),
        (weeks(10_000, None, 10_000, 15_000), 1.5),
        (weeks(None, None, 10_000, 15_000), None),
        (weeks(10_000, 10_000, 10_000, None), None),
        (weeks(0, 0, 0, 15_000), float("inf")),
        (weeks(0, 0, 0, 0), 0.0),
        (weeks(10_000, 10_000, 10_000, 0), 0.0),
    ],
)
@pytest.mark.parametrize(("feature", "runner"), [(NOVICE, FIRST_YEAR), (UNLOGGED, LATER)])
def test_the_last_week_is_measured_by_the_three_before(
    feature: str, runner: Json, training: Json, expected: float | None
) -> None:
    assert number(feature, training, runner) == expected


@pytest.mark.parametrize(
    ("sessions", "since", "expected"),
    [
        ([run(2, 13_000), run(9, 10_000), run(16, 10_000), run(23, 10_000)], 60, 1.3),
        ([run(2, 13_000), run(9, 10_000), run(16, 10_000), run(23, 10_000)], 27, 1.3),
        ([run(2, 15_000), run(9, 8_000), run(16, 12_000), run(23, 90_000)], 26, 1.5),  # the third week is cut short
        ([run(2, 15_000), run(9, 8_000), run(16, 12_000)], 20, 1.5),
        ([run(2, 15_000), run(9, 8_000), run(16, 12_000)], 19, None),
        ([run(2, 15_000)], 5, None),
        ([run(2, 15_000)], 0, None),
        ([run(2, 15_000)], 60, float("inf")),
        ([run(2), run(9, 10_000), run(16, 10_000)], 60, None),
        ([run(2, 9_000), run(12), run(18, 9_000)], 60, None),  # a distance that is unknown is not left out
        ([run(2, 9_000), run(9, 9_000), run(16, 9_000), run(23)], 60, None),
        ([run(2, 9_000), run(9, 9_000), run(16, 9_000), run(23)], 20, 1.0),
        ([run(6, 9_000), run(7, 9_000), run(14, 9_000), run(21, 9_000)], 60, 1.0),
        ([], 60, 0.0),
    ],
)
def test_a_log_is_counted_in_weeks_back_from_the_day(sessions: list[Json], since: int, expected: float | None) -> None:
    assert number(NOVICE, log(*sessions, since=since), FIRST_YEAR) == expected


@pytest.mark.parametrize(
    ("years", "novice", "unlogged"),
    [
        (None, None, None),
        (0, 1.5, "not applicable"),
        (0.5, 1.5, "not applicable"),
        (0.9994, 1.5, "not applicable"),
        (0.9996, "not applicable", 1.5),  # a whole year in thousandths
        (1, "not applicable", 1.5),
        (30, "not applicable", 1.5),
    ],
)
def test_experience_decides_which_of_the_two_applies(years: Any, novice: object, unlogged: object) -> None:
    runner = {"running_years": years}
    training = weeks(10_000, 10_000, 10_000, 15_000)
    assert number(NOVICE, training, runner) == novice
    assert number(UNLOGGED, training, runner) == unlogged


@pytest.mark.parametrize(
    "training",
    [log(run(2, 15_000), run(9, 10_000), run(16, 10_000)), log(weekly_distance_m=[10_000, 10_000, 15_000])],
)
def test_where_sessions_are_known_the_weekly_stand_in_does_not_apply(training: Json) -> None:
    assert number(UNLOGGED, training, LATER) == "not applicable"


# --- shown, never scored ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (weeks(8_000, 10_000, 10_000, 12_000, 15_000), 1.5),
        (weeks(90_000, 8_000, 10_000, 10_000, 12_000, 15_000), 1.5),
        (weeks(10_000, 10_000, 12_000, 15_000), None),
        (weeks(None, 10_000, 10_000, 12_000, 15_000), None),
        (weeks(10_000, 10_000, 10_000, 12_000, None), None),
        (weeks(0, 0, 0, 0, 15_000), float("inf")),
        ({}, None),
        (log(run(2, 15_000), run(9, 20_000), run(34, 20_000), since=34), 1.5),
        (log(run(2, 15_000), run(9, 20_000), run(35, 20_000)), 3.0),
        (log(run(2, 15_000), run(9, 20_000), run(34, 20_000), since=33), None),
        (log(run(2, 15_000), run(9), run(34, 20_000)), None),
        (log(run(2), run(34, 20_000)), None),
    ],
)
def test_acute_to_chronic_needs_all_of_35_days(training: Json, expected: float | None) -> None:
    assert number("acute_chronic_ratio", training) == expected


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (weeks(90_000, 10_000, 15_000), 1.5),
        (weeks(15_000), None),
        (weeks(None, 15_000), None),
        (weeks(15_000, None), None),
        ({}, None),
        (log(run(6, 15_000), run(7, 4_000), run(13, 6_000), run(14, 50_000), since=13), 1.5),
        (log(run(6, 15_000), run(13, 10_000), since=12), None),
        (log(run(6, 15_000), run(13)), None),
    ],
)
def test_week_to_week_needs_both_weeks(training: Json, expected: float | None) -> None:
    assert number("week_to_week_ratio", training) == expected


@pytest.mark.parametrize(
    ("feature", "training", "expected"),
    [
        ("weekly_distance_m", weeks(10_000, 12_345.678), 12_345.678),
        ("weekly_distance_m", weeks(12_000, None), None),
        ("weekly_distance_m", weeks(), None),
        ("weekly_distance_m", log(run(0, 5_000), run(6, 7_000), run(7, 90_000)), 12_000),
        ("weekly_distance_m", log(run(0, 5_000), since=6), 5_000),
        ("weekly_distance_m", log(run(0, 5_000), since=5), None),
        ("weekly_distance_m", log(run(0, 5_000), run(1)), None),
        ("weekly_distance_m", log(run(0, 5_000), run(8)), 5_000),
        ("weekly_distance_m", log(), 0),
        ("weekly_duration_min", log(run(0, None, duration_s=1_800), run(6, None, duration_s=2_700)), 75),
        ("weekly_duration_min", log(run(0, None, duration_s=1_800), run(7, None, duration_s=2_700)), 30),
        ("weekly_duration_min", log(run(0, None, duration_s=1_800), run(7)), 30),
        ("weekly_duration_min", log(run(0, None, duration_s=1_800), run(6)), None),
        ("weekly_duration_min", log(run(0, None, duration_s=1_800), since=6), 30),
        ("weekly_duration_min", log(run(0, None, duration_s=1_800), since=5), None),
        ("weekly_duration_min", log(run(0, 0), run(1, None, duration_s=1_800)), 30),  # 0 m is no run
        ("weekly_duration_min", weeks(10_000), None),
        ("weekly_duration_min", {}, None),
        ("weekly_running_days", log(run(0), run(0), run(6), run(7)), 2),
        ("weekly_running_days", log(run(0, 0), run(3, 5_000)), 1),
        ("weekly_running_days", log(), 0),
        ("weekly_running_days", log(run(0), since=6), 1),
        ("weekly_running_days", log(run(0), since=5), None),
        ("weekly_running_days", {}, None),
        ("days_since_run", log(run(0, 5_000), run(9)), 0),
        ("days_since_run", log(run(9), run(45, 5_000)), 9),
        ("days_since_run", log(run(59)), 59),
        ("days_since_run", log(run(9), since=None), 9),
        ("days_since_run", log(run(9, 5_000), run(3, 0)), 9),
        ("days_since_run", log(run(3, 0)), None),
        ("days_since_run", log(run(9), since=9), 9),
        ("days_since_run", log(run(9), since=8), 9),  # every day after the run is in the log
        ("days_since_run", log(run(9), since=7), None),
        ("days_since_run", log(), None),
        ("days_since_run", weeks(10_000), None),
        ("longest_run_30d_m", log(run(0, 5_000), run(29, 9_000.5), run(30, 30_000)), 9_000.5),
        ("longest_run_30d_m", log(run(0, 5_000), since=29), 5_000),
        ("longest_run_30d_m", log(run(0, 5_000), since=28), None),
        ("longest_run_30d_m", log(run(0, 5_000), run(29)), None),
        ("longest_run_30d_m", log(run(0, 5_000), run(30)), 5_000),
        ("longest_run_30d_m", log(), 0),
        ("longest_run_30d_m", weeks(10_000), None),
    ],
)
def test_days_inside_the_log_are_known_and_days_before_it_are_not(
    feature: str, training: Json, expected: float | None
) -> None:
    assert number(feature, training) == expected


# --- MET-minutes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([run(3, 10_000, duration_s=3_600)], 60 * 9.3),  # 6.2 mph takes the row of 6.0
        ([run(3, 10_000, duration_s=3_600), run(7, 10_000, duration_s=3_600)], 60 * 9.3),
        ([run(3, 10_000, duration_s=3_600), run(1, 5_000, duration_s=1_800)], 90 * 9.3),
        ([run(3, None, duration_s=3_600)], 60 * 7.5),  # without a distance: jogging in general
        ([run(3, 4_000, duration_s=3_600)], 0),  # 2.5 mph is a walk
        ([run(3, 4_300, duration_s=3_600)], 60 * 3.3),
        ([run(3, 0.004, duration_s=0.0004)], 0),  # no whole millisecond
        ([run(3, 0, duration_s=3_600)], 0),
        ([run(3, 10_000)], None),
        ([], 0),
    ],
)
def test_met_minutes_go_by_the_mean_speed_of_each_run(sessions: list[Json], expected: float | None) -> None:
    got = number("weekly_met_min", log(*sessions))
    assert got == (None if expected is None else pytest.approx(expected))


def test_met_minutes_need_the_whole_week() -> None:
    assert number("weekly_met_min", log(run(3, 10_000, duration_s=3_600), since=5)) is None


@pytest.mark.parametrize(
    ("mph_tenths", "met"),
    [(26, 33), (40, 65), (43, 78), (50, 85), (55, 90), (60, 93), (67, 105), (70, 110), (75, 118), (80, 120),
     (86, 125), (90, 130), (93, 148), (110, 168), (120, 185), (130, 198), (140, 230), (160, 230)],
)  # fmt: skip
def test_the_met_of_a_speed_begins_exactly_at_its_row(mph_tenths: int, met: int) -> None:
    metres_per_hour_mm = mph_tenths * 160_934.4
    above, below = -int(-metres_per_hour_mm // 1), int(metres_per_hour_mm // 1)
    assert met_tenths(above, 3_600_000) == met
    if mph_tenths < 160 and below < metres_per_hour_mm:
        assert met_tenths(below, 3_600_000) < met


def test_a_faster_run_never_has_a_lower_met() -> None:
    mets = [met_tenths(metres * 1000, 3_600_000) for metres in range(3_000, 24_000, 50)]
    assert all(slower <= faster for slower, faster in pairwise(mets))


# --- the registry --------------------------------------------------------------------------------------------------


def test_nothing_known_is_nothing_said() -> None:
    assert {feature: reading(feature, wire()) for feature in FEATURES} == dict.fromkeys(FEATURES)


def test_every_feature_says_what_it_is() -> None:
    for id, feature in FEATURES.items():
        assert feature.id == id
        assert feature.title
        assert feature.source
        assert feature.inputs
        assert all(pointer.startswith(("/runner/", "/training/")) for pointer in feature.inputs)
        assert feature.is_number == (feature.unit != "choice")
        assert feature.is_number or feature.choices
        assert bool(feature.history_days) == (
            feature.inputs[-1] in {"/training/observed_from", "/training/weekly_distance_m"}
        )
