"""What may be but is doubtful is scored, with a finding; a run told twice counts once."""

import pytest

from tests.unit.requests import Json, assessed, codes, day, doubts, faults, log, read, reading, run, wire

SAME = {"started_at": "2026-11-20T07:00:00+01:00", "distance_m": 9000}


def places(code: str, *numbers: int) -> list[tuple[str, str]]:
    return [(f"/training/sessions/{number}", code) for number in numbers]


# --- pace ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (run(3, 10_000, duration_s=1_500), []),  # exactly 2:30 a kilometre
        (run(3, 10_000, duration_s=1_499.9), places("doubtful-pace", 0)),
        (run(3, 12_500, duration_s=1_000), places("doubtful-pace", 0)),  # exactly what is just possible
        (run(3, 0, duration_s=0), []),
        (run(3, 0, duration_s=1_000), []),
        (run(3, None, duration_s=0), []),
        (run(3, 10_000), []),
    ],
)
def test_a_pace_that_few_can_run_is_doubtful(session: Json, expected: list[tuple[str, str]]) -> None:
    assert doubts(wire({}, log(session))) == expected


def test_a_doubtful_pace_counts_all_the_same() -> None:
    request = wire({}, log(run(3, 10_000, duration_s=1_400)))
    assert reading("weekly_distance_m", request) == (10_000_000, 1000)
    (finding,) = read(request).findings
    assert finding.severity == "warning"
    assert codes(assessed(request).findings)[0] == "doubtful-pace"


# --- a day of 100 km -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([run(3, 99_999)], []),
        ([run(3, 100_000)], places("doubtful-day", 0)),
        ([run(3, 60_000), run(4, 60_000)], []),
        ([run(3, 60_000), run(3, 40_000)], places("doubtful-day", 1)),
        ([run(3, 60_000), run(3, 39_999)], []),
        ([run(3, 100_000), run(3, 5_000), run(3, 100_001)], places("doubtful-day", 0)),
        ([run(3), run(3, 100_000)], places("doubtful-day", 1)),
        ([run(3, 100_000), run(5, 120_000)], places("doubtful-day", 0, 1)),
        ([run(3, 9_000), run(5, 120_000)], places("doubtful-day", 1)),
        (
            [run(3, 60_000, id="a"), run(3, 60_000, id="a"), run(3, 39_000)],
            places("duplicate-session", 1),
        ),
    ],
)
def test_a_day_of_100_km_or_more_is_doubtful_once(sessions: list[Json], expected: list[tuple[str, str]]) -> None:
    assert doubts(wire({}, log(*sessions))) == expected


# --- duplicates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([run(3, 9000, id="a"), run(5, 8000, id="a")], places("duplicate-session", 1)),
        ([run(3, 9000, id="a"), run(3, 9000, id="a"), run(3, 1000, id="a")], places("duplicate-session", 1, 2)),
        ([run(3, 9000, id="a"), run(3, 9000, id="b")], []),
        ([SAME, SAME], places("duplicate-session", 1)),
        ([SAME, run(9, 5000), {**SAME, "duration_s": 3000}], places("duplicate-session", 2)),
        ([SAME, {**SAME, "id": "a"}], places("duplicate-session", 1)),
        ([{**SAME, "id": "a"}, {**SAME, "id": "b"}], places("duplicate-session", 1)),
        ([SAME, {**SAME, "distance_m": 9001}], []),
        ([SAME, {**SAME, "started_at": "2026-11-20T07:00:01+01:00"}], []),
        # the same moment told in another offset is the same start
        ([SAME, {**SAME, "started_at": "2026-11-20T08:00:00+02:00"}], places("duplicate-session", 1)),
        (
            [{"started_at": SAME["started_at"]}, {"started_at": SAME["started_at"]}],
            places("duplicate-session", 1),
        ),
        ([run(3, 9000), run(3, 9000)], places("possible-duplicate-session", 1)),
        ([run(3, 9000, duration_s=3000), run(3, 9000, duration_s=3000)], places("possible-duplicate-session", 1)),
        ([run(3, 9000)] * 3, places("possible-duplicate-session", 1, 2)),
        ([run(3, 9000), run(3, 9000, duration_s=3000)], []),
        ([run(3, 9000), run(4, 9000)], []),
        ([run(3), run(3)], []),
        ([run(3, 0), run(3, 0)], []),
        ([run(3, 9000, id="a"), run(3, 9000)], []),
        ([run(3, 9000), SAME], []),
    ],
)
def test_a_session_given_twice_is_found(sessions: list[Json], expected: list[tuple[str, str]]) -> None:
    assert doubts(wire({}, log(*sessions))) == expected


@pytest.mark.parametrize(
    ("sessions", "metres"),
    [
        ([run(3, 9000, id="a"), run(3, 9000, id="a")], 9000),
        ([run(3, 9000, id="a"), run(3, 9000, id="b")], 18_000),
        ([SAME, SAME, run(2, 4000)], 13_000),
        ([run(3, 9000), run(3, 9000)], 18_000),
    ],
)
def test_a_certain_duplicate_counts_once_and_a_possible_one_twice(sessions: list[Json], metres: int) -> None:
    assert reading("weekly_distance_m", wire({}, log(*sessions))) == (metres * 1000, 1000)


def test_a_dropped_duplicate_may_be_the_only_session_with_a_start() -> None:
    taken = read(wire({}, log(run(3, 9000, id="a"), {**SAME, "id": "a"}))).request.training.sessions or ()
    assert [(session.id, str(session.started_on)) for session in taken] == [("a", day(3))]


# --- two accounts of the same weeks --------------------------------------------------------------------------------

FOUR_WEEKS = [run(2, 10_000), run(9, 10_000), run(16, 10_000), run(23, 10_000)]
DISAGREE = [("/training/weekly_distance_m", "weeks-and-sessions-disagree")]


@pytest.mark.parametrize(
    ("weeks", "since", "expected"),
    [
        ([10_000, 10_000, 10_000, 10_000], 60, []),
        ([10_000, 10_000, 10_000, 11_000], 60, []),
        ([10_000, 10_000, 10_000, 11_112], 60, DISAGREE),  # more than a tenth of the larger
        ([10_000, 10_000, 10_000, 8_999], 60, DISAGREE),
        ([20_000, 10_000, 10_000, 10_000], 60, DISAGREE),
        ([None, 10_000, None, 10_000], 60, []),
        ([20_000, None, 10_000, 10_000], 60, DISAGREE),
        ([20_000, 10_000, 10_000, 10_000], 26, []),  # the oldest week is not wholly in the log
        ([20_000, 10_000, 10_000, 10_000], 27, DISAGREE),
        ([20_000, 10_000, 10_000, 10_000], None, []),  # the log begins with its first session
        ([10_000, 20_000, 10_000, 10_000], None, DISAGREE),
        ([5_000, 10_000, 10_000, 10_000, 10_000], 60, DISAGREE),
        ([1_000, 10_000, 10_000, 10_000, 10_000], 60, []),  # a kilometre is no disagreement
        ([], 60, []),
        (None, 60, []),
    ],
)
def test_weekly_distances_that_do_not_agree_with_the_sessions_are_doubtful(
    weeks: list[float | None] | None, since: int | None, expected: list[tuple[str, str]]
) -> None:
    assert doubts(wire({}, log(*FOUR_WEEKS, since=since, weekly_distance_m=weeks))) == expected


def test_where_they_disagree_the_sessions_are_used() -> None:
    request = wire({}, log(*FOUR_WEEKS, weekly_distance_m=[90_000]))
    assert doubts(request) == DISAGREE
    assert reading("weekly_distance_m", request) == (10_000_000, 1000)


def test_weeks_are_not_compared_with_sessions_of_unknown_distance() -> None:
    assert doubts(wire({}, log(*FOUR_WEEKS, run(3), weekly_distance_m=[90_000]))) == []


def test_weeks_are_not_compared_where_no_session_has_a_day() -> None:
    request = wire({}, {"sessions": [{"distance_m": 5000}], "weekly_distance_m": [90_000]})
    assert faults(request) == places("missing", 0)


def test_weeks_beside_a_log_of_rest_are_doubtful() -> None:
    assert doubts(wire({}, log(weekly_distance_m=[90_000]))) == DISAGREE
    assert doubts(wire({}, log(weekly_distance_m=[900]))) == []


def test_weeks_beside_sessions_that_were_not_told_stand_alone() -> None:
    assert doubts(wire({}, {"sessions": [], "weekly_distance_m": [90_000]})) == []
    assert doubts(wire({}, {"observed_from": day(60), "weekly_distance_m": [90_000]})) == []


# --- the plan ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(0, []), (7, []), (8, [("/training/planned_run/on", "plan-far-ahead")])],
)
def test_a_plan_of_more_than_a_week_ahead_is_less_sure(ahead: int, expected: list[tuple[str, str]]) -> None:
    request = wire({}, {"planned_run": {"on": day(-ahead), "distance_m": 9000}})
    assert doubts(request) == expected


def test_doubts_come_in_the_order_of_the_request() -> None:
    training = log(
        {"started_at": "2026-11-20T23:30:00Z", "distance_m": 10_000, "duration_s": 1_400},
        run(5, 120_000),
        run(6, 9000),
        run(6, 9000),
        weekly_distance_m=[10_000],
        planned_run={"on": day(-9), "distance_m": 9000},
    )
    assert [code for _, code in doubts(wire({}, training))] == [
        "local-day-unsure",
        "doubtful-pace",
        "possible-duplicate-session",
        "doubtful-day",
        "plan-far-ahead",
        "weeks-and-sessions-disagree",
    ]
