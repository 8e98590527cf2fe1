"""The single-run feature: the largest of a run of the last 7 days over the longest run of the 30 days before it."""

from typing import Any

import pytest

from app.features import FEATURES, NOT_APPLICABLE, Between, Reading
from app.scoring.rulers import bands_in
from tests.unit.requests import Json, log, published, reading, run, wire

LABELS = ("≤ 1.10", "> 1.10", "> 2.00")


def spike(training: Json, runner: Json | None = None) -> Reading:
    return reading("session_spike_ratio", wire(runner, training))


def as_number(ratio: Reading) -> float | None:
    """A ratio as a number; a denominator of 0 is beyond every number."""
    assert isinstance(ratio, tuple)
    if ratio[1]:
        return ratio[0] / ratio[1]
    return float("inf") if ratio[0] else 0.0


def possible(training: Json, runner: Json | None = None) -> list[str]:
    """The bands of the published factor that stay possible."""
    ruler = next(ruler for ruler in published().rulers if ruler.feature == "session_spike_ratio")
    assert ruler.labels == LABELS
    return [ruler.labels[band] for band in bands_in(ruler.mask(spike(training, runner)))]


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([run(3, 15_000), run(15, 10_000)], 1.5),
        ([run(3, 5_000), run(15, 10_000)], 0.5),
        ([run(15, 10_000)], 0.0),  # no run in the 7 days
        ([], 0.0),
        # the day before counts, the same day does not
        ([run(3, 15_000), run(4, 12_000)], float("inf")),
        ([run(3, 15_000), run(4, 12_000), run(20, 12_000)], 1.25),
        ([run(3, 15_000), run(3, 30_000), run(20, 10_000)], 3.0),
        # the longest of the 30 days before, whenever it was
        ([run(0, 12_000), run(30, 10_000)], 1.2),
        ([run(0, 12_000), run(30, 10_000), run(31, 24_000)], 1.2),
        ([run(6, 12_000), run(36, 10_000)], 1.2),
        # the 7 days end with the day itself and begin six days before it
        ([run(6, 12_000), run(10, 8_000)], 1.5),
        ([run(7, 12_000), run(10, 8_000)], 0.0),
        ([run(0, 12_000), run(10, 8_000)], 1.5),
        # every run of the 7 days is compared with its own 30 days before
        ([run(5, 14_000), run(2, 15_000), run(20, 10_000)], 1.4),
        ([run(5, 11_000), run(2, 16_500), run(20, 10_000)], 1.5),
        ([run(5, 20_000), run(2, 21_000), run(20, 10_000)], 2.0),
        # a run after 30 days without one is beyond every number
        ([run(2, 5_000)], float("inf")),
        ([run(2, 5_000), run(33, 5_000)], float("inf")),
        ([run(2, 5_000), run(32, 5_000)], 1.0),
        ([run(2, 5_000), run(1, 50_000)], float("inf")),
        # 0 m is no run, neither now nor before
        ([run(2, 0), run(20, 10_000)], 0.0),
        ([run(2, 5_000), run(20, 0)], float("inf")),
        ([run(2, 0.0004), run(20, 10_000)], 0.0),
    ],
)
def test_a_complete_log_gives_one_ratio(sessions: list[Json], expected: float) -> None:
    assert as_number(spike(log(*sessions))) == expected


@pytest.mark.parametrize(
    ("metres", "expected"),
    [
        (11_000, "≤ 1.10"),
        (11_000.0004, "≤ 1.10"),  # the same whole millimetre
        (11_000.001, "> 1.10"),
        (20_000, "> 1.10"),
        (20_000.001, "> 2.00"),
        (9_999, "≤ 1.10"),
    ],
)
def test_an_edge_is_exact_to_the_millimetre(metres: float, expected: str) -> None:
    assert possible(log(run(3, metres), run(15, 10_000))) == [expected]


def test_an_edge_is_exact_where_floats_are_not() -> None:
    # 1.1 * 4100.3 is 4510.330000000001 in floats
    assert possible(log(run(3, 4_510.33), run(15, 4_100.3))) == ["≤ 1.10"]
    assert possible(log(run(3, 4_510.331), run(15, 4_100.3))) == ["> 1.10"]


@pytest.mark.parametrize(
    ("since", "sessions", "expected"),
    [
        (5, [run(3, 9_000)], None),  # a log shorter than the 7 days says nothing
        (6, [], (0, 1)),  # rest on all 7 days needs no 30 days before
        (6, [run(7, 9_000)], (0, 1)),
        (12, [run(3, 15_000), run(10, 10_000)], Between((0, 1), (15_000_000, 10_000_000))),
        (12, [run(3, 15_000)], Between((0, 1), None)),  # nothing before it yet
        (32, [run(3, 15_000), run(20, 10_000)], Between((0, 1), (15_000_000, 10_000_000))),
        (33, [run(3, 15_000), run(20, 10_000)], (15_000_000, 10_000_000)),
        # complete for the younger run only: the older one can at most be 1.2
        (33, [run(5, 12_000), run(1, 15_000), run(20, 10_000)], (15_000_000, 12_000_000)),
        (
            31,
            [run(5, 18_000), run(1, 9_000), run(20, 10_000)],
            Between((9_000_000, 18_000_000), (18_000_000, 10_000_000)),
        ),
        (31, [run(1, 9_000)], (9_000_000, 0)),
        (30, [run(1, 9_000)], Between((0, 1), None)),
        (30, [run(0, 9_000)], (9_000_000, 0)),
    ],
)
def test_an_incomplete_log_leaves_open_what_more_history_could_lower(
    since: int, sessions: list[Json], expected: Reading
) -> None:
    assert spike(log(*sessions, since=since)) == expected


def test_a_log_without_a_beginning_begins_with_its_first_session() -> None:
    sessions = [run(3, 15_000), run(20, 10_000)]
    assert spike(log(*sessions, since=None)) == spike(log(*sessions, since=20))
    assert spike(log(*sessions, run(33, 1_000), since=None)) == (15_000_000, 10_000_000)


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (log(run(3, 15_000), run(10, 10_000), since=12), ["≤ 1.10", "> 1.10"]),
        (log(run(3, 11_000), run(10, 10_000), since=12), ["≤ 1.10"]),
        (log(run(3, 25_000), run(10, 10_000), since=12), ["≤ 1.10", "> 1.10", "> 2.00"]),
        (log(run(3, 9_000), since=12), ["≤ 1.10", "> 1.10", "> 2.00"]),
        (log(run(10, 9_000), since=12), ["≤ 1.10"]),
        (log(run(3, 9_000)), ["> 2.00"]),
        (log(run(3), run(20, 9_000)), ["≤ 1.10", "> 1.10", "> 2.00"]),
        (log(run(3, 15_000), run(2), run(20, 10_000)), ["> 1.10", "> 2.00"]),
        (log(run(3, 15_000), run(20, 10_000), run(21)), ["≤ 1.10", "> 1.10"]),
        (log(run(3, 15_000), run(21)), ["≤ 1.10", "> 1.10", "> 2.00"]),
        (log(run(2, 25_000), run(6), run(20, 10_000), run(8, 10_000)), ["≤ 1.10", "> 1.10", "> 2.00"]),
        ({}, list(LABELS)),
        ({"sessions": []}, list(LABELS)),
        ({"observed_from": "2026-09-01"}, list(LABELS)),
        ({"sessions": None, "weekly_distance_m": []}, list(LABELS)),
    ],
)
def test_what_is_not_known_leaves_bands_possible(training: Json, expected: list[str]) -> None:
    assert possible(training) == expected


@pytest.mark.parametrize("sessions", [[run(3), run(20, 9_000)], [run(3, 9_000), run(2), run(20, 9_000)]])
def test_a_run_of_unknown_length_in_the_7_days_has_no_upper_end(sessions: list[Json]) -> None:
    got = spike(log(*sessions))
    assert isinstance(got, Between)
    assert got.high is None


def test_an_empty_log_with_a_beginning_is_a_log_of_rest() -> None:
    assert possible({"sessions": [], "observed_from": "2026-09-01"}) == ["≤ 1.10"]


@pytest.mark.parametrize(
    ("training", "runner"),
    [
        ({"weekly_distance_m": [20_000, 30_000]}, {}),
        ({"weekly_distance_m": [20_000], "sessions": []}, {}),
        (log(run(3, 15_000), run(20, 10_000)), {"running_years": 0}),
        (log(run(3, 15_000), run(20, 10_000)), {"running_years": 0.0004}),  # no whole thousandth of a year
        ({}, {"running_years": 0}),
    ],
)
def test_it_does_not_apply_without_sessions_or_to_a_first_ever_runner(training: Json, runner: Json) -> None:
    assert spike(training, runner) is NOT_APPLICABLE


@pytest.mark.parametrize("years", [0.001, 0.5, 3, None])
def test_it_applies_to_everybody_else(years: Any) -> None:
    assert spike(log(run(3, 15_000), run(20, 10_000)), {"running_years": years}) == (15_000_000, 10_000_000)


def test_weekly_distances_do_not_matter_where_there_are_sessions() -> None:
    training = log(run(3, 15_000), run(20, 10_000), weekly_distance_m=[0, 0, 10_000, 15_000])
    assert spike(training) == (15_000_000, 10_000_000)


def test_more_history_never_raises_the_highest_possible_ratio() -> None:
    sessions = [run(3, 15_000), run(10, 10_000), run(18, 12_000), run(30, 14_000)]
    highest = [possible(log(*sessions, since=since))[-1] for since in (10, 20, 33, 60)]
    assert [LABELS.index(label) for label in highest] == sorted(map(LABELS.index, highest), reverse=True)


def test_the_feature_says_what_it_needs() -> None:
    feature = FEATURES["session_spike_ratio"]
    assert feature.history_days == 37
    assert feature.partly_known
    assert feature.may_not_apply
    assert feature.inputs == ("/training/sessions", "/training/observed_from")
