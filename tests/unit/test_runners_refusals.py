"""Whatever cannot be is refused, at the place where it stands, under a code that never changes."""

import json
from typing import Any

import pytest

from app.errors import InvalidInputError
from app.runners import read_request
from tests.unit.requests import TODAY, Json, day, faults, log, read, run, wire

ADULT = {"age_years": 41}


def nested(levels: int) -> object:
    """So many lists within one another."""
    told: object = 1
    for _ in range(levels):
        told = [told]
    return told


@pytest.mark.parametrize("unknown_fields", ["refuse", "report"])
def test_what_is_nested_more_than_16_deep_is_refused_whoever_asks_for_leniency(unknown_fields: Any) -> None:
    def codes(levels: int) -> list[str]:
        body = json.dumps({"runner": {"socks": nested(levels)}, "training": {}}).encode()
        try:
            told = read_request(body, today=TODAY, unknown_fields=unknown_fields)
        except InvalidInputError as refused:
            return [fault.code for fault in refused.faults]
        return [finding.code for finding in told.findings if finding.code == "unknown-field"]

    # The request and the runner are two of the sixteen.
    assert (codes(14), codes(15), codes(190)) == (["unknown-field"], ["too-deep"], ["too-deep"])


@pytest.mark.parametrize(
    ("field", "given", "code"),
    [
        ("/runner/shoe_size", 43, "unknown-field"),
        ("/runner/age_years", "41", "wrong-type"),
        ("/runner/age_years", 41.5, "wrong-type"),
        ("/runner/age_years", True, "wrong-type"),
        ("/runner/age_years", 4, "out-of-range"),
        ("/runner/age_years", 111, "out-of-range"),
        ("/runner/sex", "f", "not-a-choice"),
        ("/runner/sex", 1, "not-a-choice"),
        ("/runner/height_m", 0.79, "out-of-range"),
        ("/runner/height_m", 168, "out-of-range"),
        ("/runner/mass_kg", 19.9, "out-of-range"),
        ("/runner/mass_kg", 351, "out-of-range"),
        ("/runner/mass_kg", "64", "wrong-type"),
        ("/runner/running_years", -0.1, "out-of-range"),
        ("/runner/running_years", 101, "out-of-range"),
        ("/runner/running_years", [3], "wrong-type"),
        ("/runner/goal_event", "21k", "not-a-choice"),
        ("/runner/knee", "fine", "wrong-type"),
        ("/runner/knee", [], "wrong-type"),
        ("/runner/knee/history", "yes", "not-a-choice"),
        ("/runner/knee/months_since", -1, "out-of-range"),
        ("/runner/knee/months_since", 1201, "out-of-range"),
        ("/runner/knee/months_since", 2.5, "wrong-type"),
        ("/runner/knee/episodes", 1001, "out-of-range"),
        ("/runner/knee/pain_now", 11, "out-of-range"),
        ("/runner/knee/pain_now", -1, "out-of-range"),
        ("/runner/knee/pain_now", 3.5, "wrong-type"),
        ("/runner/knee/pain_at_rest", "no", "wrong-type"),
        ("/runner/knee/pain_at_rest", 0, "wrong-type"),
        ("/runner/knee/surgery", "disc", "not-a-choice"),
        ("/runner/lower_back/surgery", "meniscus", "not-a-choice"),
        ("/runner/knee/surgery_months_since", 1201, "out-of-range"),
        ("/runner/knee/cleared_to_run", 1, "wrong-type"),
        ("/runner/knee/symptoms", "kn_locked", "wrong-type"),
        ("/runner/knee/symptoms", ["a_b"] * 65, "too-many"),
        ("/runner/knee/symptoms/0", ["Locked knee"], "malformed"),
        ("/runner/knee/symptoms/0", [5], "wrong-type"),
        ("/runner/other_injury/pain_now", 3, "unknown-field"),
        ("/runner/other_injury/months_since", -1, "out-of-range"),
        ("/runner/symptoms/1", ["gen_chest_syncope", ""], "malformed"),
        ("/runner/core_strength", "strongish", "not-a-choice"),
        ("/runner/plank_seconds", 40_001, "out-of-range"),
        ("/runner/posture", "upright", "not-a-choice"),
        ("/runner/foot_posture", "flat", "not-a-choice"),
        ("/runner/shoes/pairs", 101, "out-of-range"),
        ("/runner/shoes/pairs", 1.5, "wrong-type"),
        ("/runner/shoes/cushioning", "hard", "not-a-choice"),
        ("/runner/shoes/support", "none", "not-a-choice"),
        ("/runner/shoes/distance_m", -1, "out-of-range"),
        ("/runner/shoes/comfortable", "yes", "wrong-type"),
        ("/runner/strength_training/sessions_per_week", 51, "out-of-range"),
        ("/runner/strength_training/focus", "arms", "not-a-choice"),
        ("/runner/warm_up", "always", "not-a-choice"),
        ("/runner/sleep_hours", 24.1, "out-of-range"),
        ("/runner/other_sport_hours_per_week", 101, "out-of-range"),
        ("/runner/life_complaint", "no", "wrong-type"),
        ("/runner/pregnancy", True, "not-a-choice"),
        ("/training/sessions", {}, "wrong-type"),
        ("/training/sessions/0", [5], "wrong-type"),
        ("/training/weekly_distance_m", 24_000, "wrong-type"),
        ("/training/weekly_distance_m/1", [24_000, -1], "out-of-range"),
        ("/training/weekly_distance_m/0", [2_000_001], "out-of-range"),
        ("/training/weekly_distance_m/0", ["24 km"], "wrong-type"),
        ("/training/weekly_distance_m", [1_000] * 105, "too-many"),
        ("/training/observed_from", "1 September", "not-a-date"),
        ("/training/observed_from", "2026-09-31", "not-a-date"),
        ("/training/observed_from", 20260901, "wrong-type"),
        ("/training/time_zone", "", "too-short"),
        ("/training/time_zone", "x" * 65, "too-long"),
        ("/training/planned_run", 26_000, "wrong-type"),
        ("/training/shoes", {}, "unknown-field"),
    ],
)
def test_a_field_that_cannot_be_is_refused_where_it_stands(field: str, given: Any, code: str) -> None:
    request = wire({"age_years": 41}, {})
    owner: Any = request
    *way, name = [step for step in field.split("/")[1:] if not step.isdigit()]
    for step in way:
        owner = owner.setdefault(step, {})
    owner[name] = given
    assert faults(request) == [(field, code)]


@pytest.mark.parametrize(
    ("session", "field", "code"),
    [
        ({"distance_m": 9000}, "", "missing"),
        ({"started_on": None, "started_at": None}, "", "missing"),
        ({"started_on": "20.11.2026"}, "/started_on", "not-a-date"),
        ({"started_on": "2026-11-20T00:00:00"}, "/started_on", "not-a-date"),
        ({"started_on": "2026-11-20T07:00:00Z"}, "/started_on", "not-a-date"),
        ({"started_on": True}, "/started_on", "wrong-type"),
        ({"started_at": "2026-11-20T07:00:00"}, "/started_at", "missing-offset"),
        ({"started_at": "this morning"}, "/started_at", "not-a-date"),
        ({"started_at": 1763600000}, "/started_at", "wrong-type"),
        ({"started_on": day(3), "distance_m": -1}, "/distance_m", "out-of-range"),
        ({"started_on": day(3), "distance_m": 1_000_001}, "/distance_m", "out-of-range"),
        ({"started_on": day(3), "distance_m": "9 km"}, "/distance_m", "wrong-type"),
        ({"started_on": day(3), "duration_s": -1}, "/duration_s", "out-of-range"),
        ({"started_on": day(3), "duration_s": 864_001}, "/duration_s", "out-of-range"),
        ({"started_on": day(3), "effort": 10.5}, "/effort", "out-of-range"),
        ({"started_on": day(3), "ascent_m": 30_001}, "/ascent_m", "out-of-range"),
        ({"started_on": day(3), "id": ""}, "/id", "too-short"),
        ({"started_on": day(3), "id": "x" * 129}, "/id", "too-long"),
        ({"started_on": day(3), "id": 17}, "/id", "wrong-type"),
        ({"started_on": day(3), "pace": 5}, "/pace", "unknown-field"),
        ({"started_on": day(-1)}, "", "after-as-of"),
    ],
)
def test_a_session_that_cannot_be_is_refused_where_it_stands(session: Json, field: str, code: str) -> None:
    request = wire(ADULT, {"sessions": [run(5, 8000), session]})
    assert faults(request) == [(f"/training/sessions/1{field}", code)]


@pytest.mark.parametrize(
    ("planned", "field", "code"),
    [
        ({}, "/distance_m", "missing"),
        ({"distance_m": -1}, "/distance_m", "out-of-range"),
        ({"distance_m": 1_000_001}, "/distance_m", "out-of-range"),
        ({"distance_m": 9000, "duration_s": -1}, "/duration_s", "out-of-range"),
        ({"distance_m": 9000, "on": "tomorrow"}, "/on", "not-a-date"),
        ({"distance_m": 9000, "on": day(1)}, "/on", "out-of-range"),
        ({"distance_m": 9000, "on": day(-93)}, "/on", "out-of-range"),
        ({"distance_m": 12_501, "duration_s": 1_000}, "", "impossible-speed"),
        ({"distance_m": 9000, "speed": 3}, "/speed", "unknown-field"),
    ],
)
def test_a_planned_run_that_cannot_be_is_refused_where_it_stands(planned: Json, field: str, code: str) -> None:
    request = wire(ADULT, {"planned_run": planned})
    assert faults(request) == [(f"/training/planned_run{field}", code)]


@pytest.mark.parametrize(
    ("planned", "refused"),
    [
        ({"distance_m": 9000, "on": day(0)}, False),
        ({"distance_m": 9000, "on": day(-92)}, False),
        ({"distance_m": 12_500, "duration_s": 1_000}, False),
        ({"distance_m": 0, "duration_s": 0}, False),
        ({"distance_m": 1, "duration_s": 0}, True),
    ],
)
def test_a_planned_run_at_the_very_edge_is_taken(planned: Json, refused: bool) -> None:
    request = wire(ADULT, {"planned_run": planned})
    if refused:
        assert faults(request) == [("/training/planned_run", "impossible-speed")]
    else:
        assert read(request).request.training.planned_run is not None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, [("/runner", "missing"), ("/training", "missing")]),
        ({"runner": {}}, [("/training", "missing")]),
        ({"runner": None, "training": None}, [("/runner", "wrong-type"), ("/training", "wrong-type")]),
        ({"runner": [], "training": "none"}, [("/runner", "wrong-type"), ("/training", "wrong-type")]),
        (wire(weather="wet"), [("/weather", "unknown-field")]),
        (wire(as_of="today"), [("/as_of", "not-a-date")]),
        (wire(as_of="2026-11-23T00:00:00"), [("/as_of", "not-a-date")]),
        (wire(as_of=20261123), [("/as_of", "wrong-type")]),
    ],
)
def test_the_frame_of_the_request_is_refused_where_it_does_not_hold(
    request_: Json, expected: list[tuple[str, str]]
) -> None:
    assert faults(request_) == expected


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        ({"knee": {"history": "never", "months_since": 3}}, ["/runner/knee/months_since"]),
        ({"knee": {"history": "never", "episodes": 1}}, ["/runner/knee/episodes"]),
        (
            {"lower_back": {"history": "never", "months_since": 3, "episodes": 2}},
            ["/runner/lower_back/months_since", "/runner/lower_back/episodes"],
        ),
        ({"other_injury": {"history": "never", "months_since": 1}}, ["/runner/other_injury/months_since"]),
        ({"knee": {"surgery": "none", "surgery_months_since": 0}}, ["/runner/knee/surgery_months_since"]),
        ({"lower_back": {"surgery": "none", "surgery_months_since": 9}}, ["/runner/lower_back/surgery_months_since"]),
        (
            {
                "knee": {"history": "never", "months_since": 3, "surgery": "none", "surgery_months_since": 1},
                "other_injury": {"history": "never", "months_since": 1},
            },
            ["/runner/knee/months_since", "/runner/knee/surgery_months_since", "/runner/other_injury/months_since"],
        ),
    ],
)
def test_answers_about_history_that_rule_each_other_out_are_refused(runner: Json, expected: list[str]) -> None:
    assert faults(wire(runner)) == [(pointer, "contradiction") for pointer in expected]


@pytest.mark.parametrize(
    "runner",
    [
        {"knee": {"history": "never", "months_since": None, "episodes": 0, "pain_now": 0}},
        {"knee": {"history": "never", "months_since": 0}},
        {"knee": {"history": "recovered", "months_since": 3, "episodes": 2}},
        {"knee": {"months_since": 3}},
        {"knee": {"surgery": "none", "cleared_to_run": True}},
        {"knee": {"surgery": "ligament", "surgery_months_since": 0}},
        {"knee": {"surgery_months_since": 4}},
        {"knee": None, "lower_back": None, "other_injury": None, "shoes": None, "strength_training": None},
    ],
)
def test_answers_about_history_that_go_together_are_taken(runner: Json) -> None:
    assert read(wire(runner)).findings == []


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (run(3, 400_000, duration_s=1_200), [("/training/sessions/0", "impossible-speed")]),
        (run(3, 12_501, duration_s=1_000), [("/training/sessions/0", "impossible-speed")]),
        (run(3, 1, duration_s=0), [("/training/sessions/0", "impossible-speed")]),
    ],
)
def test_a_session_faster_than_anybody_runs_is_refused(session: Json, expected: list[tuple[str, str]]) -> None:
    assert faults(wire(ADULT, log(session))) == expected


def test_a_log_may_not_begin_after_the_day_of_the_score() -> None:
    assert faults(wire(ADULT, {"observed_from": day(-1)})) == [("/training/observed_from", "after-as-of")]
    assert read(wire(ADULT, {"observed_from": day(0)})).findings == []


def test_two_thousand_sessions_are_taken_and_one_more_is_refused() -> None:
    sessions = [run(number % 400, 8000, duration_s=2_400 + number) for number in range(2_000)]
    taken = read(wire(ADULT, {"sessions": sessions})).request.training.sessions
    assert taken is not None
    assert len(taken) == 2_000
    assert faults(wire(ADULT, {"sessions": [*sessions, run(3, 5)]})) == [("/training/sessions", "too-many")]


def test_a_hundred_and_four_weeks_are_taken() -> None:
    taken = read(wire(ADULT, {"weekly_distance_m": [20_000, None] * 52})).request.training.weekly_distance_m
    assert taken is not None
    assert len(taken) == 104


def test_a_whole_number_may_be_written_with_a_point() -> None:
    read_back = read(wire({"age_years": 41.0, "shoes": {"pairs": 2.0}})).request.runner
    assert read_back.age_years == 41
    assert read_back.shoes is not None
    assert read_back.shoes.pairs == 2


def test_every_fault_says_what_is_wrong_in_a_sentence() -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(wire({"age_years": 4, "colour": "red", "sex": 5}, {"sessions": [{"distance_m": 5}]}))
    assert refused.value.slug == "invalid-input"
    assert refused.value.message == "4 input faults found."
    assert all(fault.detail.endswith(".") and len(fault.detail) > 15 for fault in refused.value.faults)


def test_whoever_tells_one_fault_alone_is_given_the_same_first_one() -> None:
    body = json.dumps(wire({"age_years": 4, "colour": "red"}, {"observed_from": "2030-01-01"})).encode()
    with pytest.raises(InvalidInputError) as of_all:
        read_request(body, today=TODAY)
    with pytest.raises(InvalidInputError) as of_one:
        read_request(body, today=TODAY, faults_enough=0)

    assert len(of_one.value.faults) < len(of_all.value.faults)
    assert of_one.value.faults == of_all.value.faults[: len(of_one.value.faults)]
