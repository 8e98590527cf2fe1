"""Who is not scored, which joint is suspended, and when nothing is said but whom to see."""

from typing import Any

import pytest

from app.errors import InvalidInputError
from tests.unit.requests import Json, advice, answer, codes, document, log, read, run, statuses, wire

FIT = {"age_years": 41, "running_years": 3, "shoes": {"pairs": 1}, "sleep_hours": 6, "goal_event": "marathon"}
LOG = log(run(3, 15_000, duration_s=5_400), run(15, 10_000), planned_run={"distance_m": 12_000})
NO_SYMPTOMS: Json = {"knee": {"symptoms": []}, "lower_back": {"symptoms": []}}


def scored(**runner: Any) -> Json:
    """A runner of whom enough is known to score both joints, with these answers in place of theirs."""
    known: Json = {
        **FIT,
        "knee": {"history": "never", "pain_now": 0, **runner.pop("knee", {})},
        "lower_back": {"history": "never", "pain_now": 0, **runner.pop("lower_back", {})},
        **runner,
    }
    answered: Json = answer(wire(known, LOG))
    return answered


def reasons(answered: Json) -> list[str]:
    return [reason["id"] for reason in answered["referral"]["reasons"]]


def test_a_sound_runner_is_scored_and_advised() -> None:
    answered = scored()
    assert statuses(answered) == ("scored", "scored")
    assert answered["referral"] == {"screened": False, "urgency": None, "reasons": []}
    assert advice(answered)
    assert answered["next_run"]["scores_if_run"]


# --- pain ------------------------------------------------------------------------------------------------------------

SUSPENDED, SCORED = "suspended", "scored"


@pytest.mark.parametrize(
    ("pain", "status", "urgency", "flag"),
    [
        (0, SCORED, None, None),
        (5, SCORED, None, None),
        (6, SUSPENDED, "routine", "pain_6_7"),
        (7, SUSPENDED, "routine", "pain_6_7"),
        (8, SUSPENDED, "prompt", "pain_8_10"),
        (10, SUSPENDED, "prompt", "pain_8_10"),
    ],
)
@pytest.mark.parametrize("joint", ["knee", "lower_back"])
def test_strong_pain_suspends_its_joint(
    joint: str, pain: int, status: str, urgency: str | None, flag: str | None
) -> None:
    answered = scored(**{joint: {"history": "current", "pain_now": pain}})
    other = "lower_back" if joint == "knee" else "knee"
    assert answered["joints"][joint]["status"] == status
    assert answered["joints"][other]["status"] == "scored"
    assert answered["referral"]["urgency"] == urgency
    assert reasons(answered) == ([] if flag is None else [f"{joint}_{flag}"])


@pytest.mark.parametrize("joint", ["knee", "lower_back"])
def test_pain_at_rest_or_at_night_suspends_its_joint_and_is_prompt(joint: str) -> None:
    answered = scored(**{joint: {"history": "current", "pain_now": 2, "pain_at_rest": True}})
    assert answered["joints"][joint]["status"] == SUSPENDED
    assert (answered["referral"]["urgency"], reasons(answered)) == ("prompt", [f"{joint}_pain_at_rest"])
    assert scored(**{joint: {"pain_at_rest": False}})["joints"][joint]["status"] == SCORED


@pytest.mark.parametrize(
    ("joint", "surgery", "status"),
    [
        ("knee", {"surgery": "ligament", "surgery_months_since": 11}, SUSPENDED),
        ("knee", {"surgery": "ligament", "surgery_months_since": 11, "cleared_to_run": True}, SCORED),
        ("knee", {"surgery": "ligament", "surgery_months_since": 12}, SCORED),
        ("knee", {"surgery": "other"}, SUSPENDED),
        ("lower_back", {"surgery": "disc", "surgery_months_since": 2, "cleared_to_run": False}, SUSPENDED),
        ("lower_back", {"surgery": "none"}, SCORED),
    ],
)
def test_a_joint_operated_on_within_a_year_waits_for_clearance(joint: str, surgery: Json, status: str) -> None:
    answered = scored(**{joint: surgery})
    assert answered["joints"][joint]["status"] == status
    if status == SUSPENDED:
        assert (answered["referral"]["urgency"], reasons(answered)) == ("routine", [f"{joint}_surgery_uncleared"])


# --- what a suspension takes away ------------------------------------------------------------------------------------


def test_a_suspended_joint_has_no_number_that_could_be_taken_for_a_score() -> None:
    told = scored(knee={"history": "current", "pain_now": 7})["joints"]["knee"]
    nulls = ("score", "score_range", "level", "level_certain", "relative_risk", "rate_per_1000_h")
    assert [told[name] for name in nulls] == [None] * 6
    assert told["contributions"]
    assert told["known_share"] > 0


def test_with_a_routine_suspension_the_other_joint_is_scored_and_advised() -> None:
    answered = scored(knee={"history": "current", "pain_now": 7})
    assert answered["summary"]["joint"] == "lower_back"
    assert answered["summary"]["score"] == answered["joints"]["lower_back"]["score"]
    assert answered["summary"]["headline"].startswith("Your knee pain is too strong for a score to help. Book a GP")
    assert answered["next_run"] is None
    assert advice(answered)
    assert all(given["joints"] == ["lower_back"] for given in answered["advice"])
    assert all(
        list(given["similar_runner_score"] or {"lower_back": 0}) == ["lower_back"] for given in answered["advice"]
    )
    assert "shorter_race_first" not in advice(answered)  # for the knee alone
    assert answered["benefits"]


@pytest.mark.parametrize(
    "runner",
    [
        {"knee": {"history": "current", "pain_now": 8}},
        {"lower_back": {"pain_at_rest": True}},
        {"knee": {"symptoms": ["kn_locked"]}},
        {"lower_back": {"symptoms": ["lb_ces_saddle"]}},
        {"symptoms": ["gen_chest_syncope"]},
        {"knee": {"history": "current", "pain_now": 7, "symptoms": ["kn_gives_way", "kn_locked"]}},
    ],
)
def test_with_an_urgent_referral_nothing_else_is_said(runner: Json) -> None:
    answered = scored(**runner)
    assert answered["referral"]["urgency"] in {"prompt", "emergency"}
    assert (answered["advice"], answered["next_run"], answered["benefits"]) == ([], None, [])
    summary = answered["summary"]
    assert [summary[name] for name in ("joint", "score", "level")] == [None, None, None]
    first = answered["referral"]["reasons"][0]
    assert summary["headline"] == f"{first['text']} {first['action']}"


def test_an_urgent_referral_for_one_joint_leaves_the_other_its_score() -> None:
    answered = scored(lower_back={"symptoms": ["lb_ces_saddle"]})
    assert statuses(answered) == (SCORED, SUSPENDED)
    assert answered["joints"]["knee"]["score"] is not None


# --- symptoms --------------------------------------------------------------------------------------------------------


def test_every_red_flag_can_be_reported_where_it_is_asked_and_suspends() -> None:
    asked = [flag for flag in document().flags if flag.question is not None]
    assert len(asked) >= 40
    for flag in asked:
        where: Json = {"symptoms": [flag.id]} if flag.joint == "whole_body" else {flag.joint: {"symptoms": [flag.id]}}
        answered = scored(**where)
        assert reasons(answered) == [flag.id]
        assert answered["referral"]["urgency"] == flag.urgency
        expected = (
            (SUSPENDED, SUSPENDED)
            if flag.joint == "whole_body"
            else (SUSPENDED, SCORED) if flag.joint == "knee" else (SCORED, SUSPENDED)
        )  # fmt: skip
        assert statuses(answered) == expected
        assert answered["referral"]["reasons"][0]["joint"] == (None if flag.joint == "whole_body" else flag.joint)


def test_reasons_come_most_urgent_first_then_as_the_rule_set_lists_them_and_once_each() -> None:
    answered = scored(
        knee={"symptoms": ["kn_not_better", "kn_locked", "kn_hot_fever", "kn_locked"], "pain_now": 7},
        lower_back={"symptoms": ["lb_lump", "lb_ces_saddle"]},
    )
    assert reasons(answered) == [
        "lb_ces_saddle", "kn_hot_fever",
        "lb_lump", "kn_locked",
        "kn_not_better", "knee_pain_6_7",
    ]  # fmt: skip
    assert answered["referral"]["urgency"] == "emergency"


def test_one_reason_reported_twice_is_one_reason() -> None:
    assert reasons(scored(knee={"symptoms": ["kn_locked", "kn_locked"]})) == ["kn_locked"]


@pytest.mark.parametrize(
    ("runner", "screened", "urgency"),
    [
        ({}, False, None),
        ({"knee": {"symptoms": []}}, False, None),
        ({"lower_back": {"symptoms": []}}, False, None),
        ({"knee": {"symptoms": []}, "lower_back": {}}, False, None),
        ({"knee": {}, "lower_back": {"symptoms": []}}, False, None),
        ({"symptoms": []}, False, None),
        (NO_SYMPTOMS, True, "none"),
        ({"knee": {"symptoms": ["kn_locked"]}}, False, "prompt"),
        ({"knee": {"symptoms": ["kn_gives_way"]}, "lower_back": {"symptoms": []}}, True, "routine"),
        ({"knee": {"pain_now": 7}}, False, "routine"),
    ],
)
def test_symptoms_that_were_not_asked_are_not_none(runner: Json, screened: bool, urgency: str | None) -> None:
    referral = answer(wire(runner))["referral"]
    assert (referral["screened"], referral["urgency"]) == (screened, urgency)


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        ({"knee": {"symptoms": ["kn_locked", "kn_on_fire"]}}, ["/runner/knee/symptoms/1"]),
        ({"lower_back": {"symptoms": ["kn_on_fire"]}}, ["/runner/lower_back/symptoms/0"]),
        (
            {"symptoms": ["what_is_this", "gen_bone_stress", "and_this"], "knee": {"symptoms": ["or_that"]}},
            ["/runner/knee/symptoms/0", "/runner/symptoms/0", "/runner/symptoms/2"],
        ),
        # what is derived from the profile is not reported
        ({"knee": {"symptoms": ["knee_pain_8_10"]}}, ["/runner/knee/symptoms/0"]),
    ],
)
def test_a_symptom_that_no_rule_knows_is_never_passed_over(runner: Json, expected: list[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        answer(wire(runner))
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        (pointer, "unknown-symptom") for pointer in expected
    ]
    assert read(wire(runner)).findings == []


# --- the young, the pregnant, the old --------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [5, 17])
def test_under_18_nothing_is_scored_or_advised(age: int) -> None:
    answered = scored(age_years=age)
    assert statuses(answered) == ("not_assessed", "not_assessed")
    assert (answered["advice"], answered["next_run"], answered["benefits"]) == ([], None, [])
    assert answered["summary"]["headline"].startswith("No score is given under 18")
    assert answered["summary"]["score"] is None
    assert answered["referral"]["reasons"] == []
    (finding,) = [found for found in answered["findings"] if found["code"] == "under-18"]
    assert (finding["pointer"], finding["severity"]) == ("/runner/age_years", "warning")
    assert answered["joints"]["knee"]["score_range"] is not None
    assert answered["joints"]["knee"]["score"] is None


def test_at_18_a_runner_is_scored() -> None:
    assert statuses(scored(age_years=18)) == (SCORED, SCORED)
    assert "under-18" not in codes(scored(age_years=18))


@pytest.mark.parametrize("pregnancy", ["pregnant", "postpartum"])
def test_in_pregnancy_and_after_birth_nothing_is_scored_and_a_routine_word_is_said(pregnancy: str) -> None:
    answered = scored(pregnancy=pregnancy)
    assert statuses(answered) == ("not_assessed", "not_assessed")
    assert (answered["referral"]["urgency"], reasons(answered)) == ("routine", ["pregnancy"])
    assert (answered["advice"], answered["next_run"], answered["benefits"]) == ([], None, [])
    assert answered["summary"]["headline"].startswith("No score is given in pregnancy")
    assert statuses(scored(pregnancy="none")) == (SCORED, SCORED)


@pytest.mark.parametrize(("age", "noted"), [(64, False), (65, True), (110, True)])
def test_from_65_a_score_comes_with_a_word_of_doubt(age: int, noted: bool) -> None:
    answered = scored(age_years=age)
    assert statuses(answered) == (SCORED, SCORED)
    found = [finding for finding in answered["findings"] if finding["code"] == "age-65-and-over"]
    assert [(finding["severity"], finding["pointer"]) for finding in found] == [("info", "/runner/age_years")] * noted
    assert "not_assess" not in str(answered["summary"])


def test_a_suspension_speaks_before_a_joint_that_is_not_assessed() -> None:
    answered = scored(age_years=17, knee={"symptoms": ["kn_gives_way"]})
    assert statuses(answered) == (SUSPENDED, "not_assessed")
    assert answered["summary"]["headline"].startswith("A knee that buckles")


def test_a_suspension_of_the_whole_body_suspends_both_joints() -> None:
    answered = scored(symptoms=["gen_groin_impact"])
    assert statuses(answered) == (SUSPENDED, SUSPENDED)
    assert answered["ask_next"] is None
    assert answered["weak_evidence_share"] == 0
