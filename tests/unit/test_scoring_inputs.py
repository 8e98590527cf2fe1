"""What a form needs to know: every input that the rules read, what it is for, and what it can move."""

from functools import cache
from typing import Any

import pytest

from app.runners import ScoreRequest
from app.scoring.factors_catalogue import describe_inputs
from app.scoring.next_steps import REQUEST_ORDER
from tests.unit.requests import DIGEST, Json, answer, band, document, factor, of_factors, published, rules, wire


@cache
def inputs(min_evidence: Any = None) -> dict[str, Json]:
    return {told["field"]: told for told in describe_inputs(published(min_evidence))["inputs"]}


def test_the_inputs_are_those_of_one_rule_set() -> None:
    assert describe_inputs(published())["rule_set"] == {"version": "2026.1", "digest": DIGEST}


def test_inputs_come_in_the_order_of_the_request() -> None:
    assert list(inputs()) == sorted(inputs(), key=REQUEST_ORDER.__getitem__)
    assert len(inputs()) >= 35


def test_everything_that_is_asked_next_is_described() -> None:
    field = answer(wire())["ask_next"]["field"]
    assert field in inputs()


def test_an_input_is_described_in_full() -> None:
    assert inputs()["/runner/sleep_hours"] == {
        "field": "/runner/sleep_hours",
        "meaning": "Hours of sleep a night, mean of the last two weeks.",
        "type": "number",
        "unit": "h",
        "minimum": 0,
        "maximum": 24,
        "choices": [],
        "used_for": ["score", "advice"],
        "sensitive": True,
        "span": {"knee": 7.43, "lower_back": 3.72},
        "if_absent": "counts_as_average",
        "factors": [
            {
                "factor": "sleep_short", "title": "Sleep under 7 hours a night", "joint": joint, "evidence": evidence,
                "weight": weight, "contested": False, "sources": ["johnston-2020"],
            }
            for joint, evidence, weight in (("knee", "low", 0.5), ("lower_back", "very_low", 0.25))
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("/runner/age_years", {"type": "integer", "unit": "years", "minimum": 5, "maximum": 110, "sensitive": False}),
        ("/runner/age_years", {"used_for": ["suspension"], "if_absent": "scored_as_adult", "span": {}}),
        ("/runner/running_years", {"used_for": ["score", "advice"], "unit": "years", "span": {"knee": 8.36}}),
        (
            "/runner/height_m",
            {"unit": "m", "used_for": ["score", "advice"], "sensitive": True, "span": {"lower_back": 8.32}},
        ),
        ("/runner/mass_kg", {"unit": "kg", "sensitive": True, "span": {"knee": 10.6, "lower_back": 8.32}}),
        (
            "/runner/goal_event",
            {"type": "string", "unit": None, "choices": ["none", "5k", "10k", "half_marathon", "marathon", "ultra"]},
        ),
        ("/runner/goal_event", {"sensitive": False, "span": {"knee": 4.17}, "minimum": None, "maximum": None}),
        (
            "/runner/knee/history",
            {"choices": ["never", "recovered", "current"], "span": {"knee": 21.48}, "sensitive": True},
        ),
        ("/runner/knee/months_since", {"unit": "months", "span": {"knee": 21.48}}),
        (
            "/runner/knee/pain_now",
            {"unit": "0 to 10", "used_for": ["score", "suspension", "advice"], "span": {"knee": 34.83}},
        ),
        ("/runner/knee/pain_at_rest", {"type": "boolean", "used_for": ["suspension"], "if_absent": "not_checked"}),
        ("/runner/knee/surgery", {"used_for": ["suspension", "advice"], "if_absent": "not_checked", "span": {}}),
        ("/runner/knee/symptoms", {"type": "array", "used_for": ["suspension"], "if_absent": "not_screened"}),
        ("/runner/symptoms", {"used_for": ["suspension"], "if_absent": "not_checked", "sensitive": True}),
        ("/runner/lower_back/episodes", {"span": {"lower_back": 41.78}, "used_for": ["score", "advice"]}),
        ("/runner/plank_seconds", {"unit": "s", "used_for": ["advice"], "if_absent": "no_advice", "sensitive": True}),
        ("/runner/shoes/pairs", {"span": {"knee": 8.8, "lower_back": 4.4}, "sensitive": False}),
        ("/runner/shoes/comfortable", {"used_for": ["advice"], "if_absent": "no_advice"}),
        (
            "/runner/strength_training/sessions_per_week",
            {"unit": "sessions a week", "span": {"knee": 7.49, "lower_back": 7.77}},
        ),
        ("/runner/other_sport_hours_per_week", {"unit": "h a week", "span": {"knee": 8.92}}),
        ("/runner/pregnancy", {"used_for": ["suspension"], "sensitive": True}),
        (
            "/training/sessions",
            {"type": "array", "used_for": ["score", "advice", "shown"], "span": {"knee": 22.29, "lower_back": 7.43}},
        ),
        ("/training/weekly_distance_m", {"unit": "m", "span": {"knee": 4.18}, "sensitive": False}),
        ("/training/observed_from", {"used_for": ["score", "advice", "shown"]}),
        ("/training/time_zone", {"used_for": ["shown"], "if_absent": "not_shown"}),
        ("/training/planned_run/distance_m", {"unit": "m", "used_for": ["shown"], "if_absent": "not_shown"}),
        ("/training/planned_run/duration_s", {"unit": "s", "used_for": ["shown"]}),
    ],
)
def test_an_input_says_what_it_is_for_and_what_it_can_move(field: str, expected: Json) -> None:
    assert {name: inputs()[field][name] for name in expected} == expected


@pytest.mark.parametrize(
    ("field", "minimum", "maximum"),
    [
        ("/runner/knee/pain_now", 0, 10),
        ("/runner/knee/months_since", 0, 1200),
        ("/runner/lower_back/episodes", 0, 1000),
        ("/runner/lower_back/surgery_months_since", 0, 1200),
        ("/runner/shoes/pairs", 0, 100),
    ],
)
def test_every_whole_number_has_its_range(field: str, minimum: int, maximum: int) -> None:
    assert (inputs()[field]["minimum"], inputs()[field]["maximum"]) == (minimum, maximum)


def test_an_input_that_nothing_reads_is_not_asked_for() -> None:
    assert "/runner/shoes/distance_m" not in inputs()
    by = of_factors(factor("old", "age_years", band(0.5, from_=0), band(0.5, 2, from_=50)))
    assert [told["field"] for told in describe_inputs(by)["inputs"]] == [
        "/runner/age_years",
        "/runner/knee/symptoms",
        "/runner/lower_back/symptoms",
        "/runner/symptoms",
        "/training/observed_from",
        "/training/time_zone",
        "/training/planned_run/on",
        "/training/planned_run/distance_m",
        "/training/planned_run/duration_s",
    ]


def test_with_the_least_evidence_an_input_moves_less_or_nothing() -> None:
    assert inputs("low")["/runner/sleep_hours"]["span"] == {"knee": 7.43}
    core = inputs("low")["/runner/core_strength"]
    assert (core["span"], core["used_for"], core["if_absent"]) == ({}, ["advice", "shown"], "no_advice")


def test_of_two_members_of_a_group_that_read_one_input_the_larger_move_counts() -> None:
    small, large = band(0.5, 1.5, from_=50), band(0.5, 2, from_=70)
    by = of_factors(
        factor("old", "age_years", band(0.5, from_=0), small, group="age"),
        factor("older", "age_years", band(0.5, from_=0), large, group="age"),
        factor("oldest", "age_years", band(0.5, from_=0), band(0.5, 4, from_=90)),
    )
    (age,) = [told for told in describe_inputs(by)["inputs"] if told["field"] == "/runner/age_years"]
    assert age["span"] == {"knee": 75}
    assert [told["factor"] for told in age["factors"]] == ["old", "older", "oldest"]


def test_the_span_of_a_protective_factor_is_what_it_can_take_away() -> None:
    by = of_factors(factor("pairs", "shoe_pairs", band(0.5, from_=0), band(0.5, 0.5, from_=2), worse_when="lower"))
    (pairs,) = [told for told in describe_inputs(by)["inputs"] if told["field"] == "/runner/shoes/pairs"]
    assert pairs["span"] == {"knee": 25}


def test_an_input_of_a_condition_alone_is_used_for_that() -> None:
    def change(written: Json) -> None:
        written["flags"].append({
            "id": "worn", "joint": "knee", "effect": "note", "urgency": None, "text": "Worn.", "action": "Look.",
            "basis": "source", "when": [
                {"all": [{"feature": "shoe_distance_m", "above": 800_000}, {"factor": "warm_up", "in": "raised"}]},
            ],
        })  # fmt: skip

    told = {entry["field"]: entry for entry in describe_inputs(rules(change))["inputs"]}
    assert told["/runner/shoes/distance_m"]["used_for"] == ["suspension"]
    assert told["/runner/warm_up"]["used_for"] == ["score", "suspension", "advice"]


def test_a_condition_on_one_joint_reads_only_what_that_joint_reads() -> None:
    def change(written: Json) -> None:
        written["advice"] = [
            {
                "id": "word", "category": "recovery", "joints": ["knee"], "text": "Said.", "basis": "judgement",
                "evidence": None, "when": [{"factor": "current_complaint", "joint": "knee", "in": "raised"}],
            }
        ]  # fmt: skip

    told = {entry["field"]: entry for entry in describe_inputs(rules(change))["inputs"]}
    assert told["/runner/knee/pain_now"]["used_for"] == ["score", "suspension", "advice"]
    assert told["/runner/lower_back/pain_now"]["used_for"] == ["score", "suspension"]


def test_what_a_benefit_names_is_shown() -> None:
    def change(written: Json) -> None:
        benefit = {"id": "worn", "text": "{shoe_distance_m} m.", "numbers": ["shoe_distance_m"], "evidence": "low",
                   "sources": ["bull-2020"]}  # fmt: skip
        written["benefits"].append(benefit)

    told = {entry["field"]: entry for entry in describe_inputs(rules(change))["inputs"]}
    assert (told["/runner/shoes/distance_m"]["used_for"], told["/runner/shoes/distance_m"]["unit"]) == (["shown"], "m")


def test_every_red_flag_is_a_question_with_the_field_to_answer_in() -> None:
    asked = {told["id"]: told for told in describe_inputs(published())["red_flags"]}
    assert list(asked) == [flag.id for flag in document().flags if flag.question]
    assert asked["kn_locked"] == {
        "id": "kn_locked", "joint": "knee", "field": "/runner/knee/symptoms", "urgency": "prompt",
        "question": "Is your knee stuck, so that you cannot straighten it all the way?",
        "sources": ["nhs-gloucestershire-knee", "nhs-knee-pain"],
    }  # fmt: skip
    assert (asked["gen_bone_stress"]["joint"], asked["gen_bone_stress"]["field"]) == (None, "/runner/symptoms")


def test_the_questions_and_titles_come_in_the_language_asked_for() -> None:
    def change(written: Json) -> None:
        written["flags"][0]["question"] = {"en": "Trouble?", "de": "Beschwerden?"}
        written["factors"][0]["title"] = {"en": "Run", "de": "Lauf"}

    told = describe_inputs(rules(change), "de")
    assert told["red_flags"][0]["question"] == "Beschwerden?"
    sessions = next(entry for entry in told["inputs"] if entry["field"] == "/training/sessions")
    assert sessions["factors"][0]["title"] == "Lauf"
    assert describe_inputs(rules(change))["red_flags"][0]["question"] == "Trouble?"


def test_the_meaning_of_every_input_is_the_description_of_the_request() -> None:
    assert ScoreRequest.model_fields["as_of"].description
    assert all(len(told["meaning"]) > 8 for told in inputs().values())
    assert "/as_of" not in inputs()
