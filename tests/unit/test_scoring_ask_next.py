"""Of all that is not known, the one question whose answer could narrow the ranges most."""

from typing import Any

import pytest

from app.scoring.compiled import CompiledRuleSet
from tests.unit.requests import Json, answer, band, factor, log, of_factors, published, run, wire

TWO = band(0.5, is_="no"), band(0.5, 2, is_="yes")
AGE = band(0.5, from_=0), band(0.5, 2, from_=50)


def asked(runner: Json | None = None, training: Json | None = None, *, by: CompiledRuleSet | None = None) -> Any:
    return answer(wire(runner, training), by=by)["ask_next"]


def stress(**more: Any) -> Json:
    return factor("stress", "life_complaint", *TWO, worse_when="later", **more)


def pain(*, ratio: float = 2, **more: Any) -> Json:
    return factor(
        "pain", "knee_pain_at_rest", band(0.5, is_="no"), band(0.5, ratio, is_="yes"), worse_when="later", **more
    )


def test_what_would_narrow_most_is_asked_first() -> None:
    by = of_factors(stress(), pain(ratio=4))
    assert asked(by=by) == {"field": "/runner/knee/pain_at_rest", "narrows": {"knee": 50}}
    assert asked({"knee": {"pain_at_rest": True}}, by=by) == {
        "field": "/runner/life_complaint",
        "narrows": {"knee": 25},
    }


def test_a_tie_is_broken_by_the_order_of_the_request() -> None:
    # in the request knee comes before life_complaint, in this rule set after it
    assert asked(by=of_factors(stress(), pain())) == {"field": "/runner/knee/pain_at_rest", "narrows": {"knee": 25}}
    assert asked(by=of_factors(pain(), stress())) == {"field": "/runner/knee/pain_at_rest", "narrows": {"knee": 25}}


def test_a_tie_between_training_and_runner_goes_to_the_runner() -> None:
    weeks = factor("weeks", "weekly_running_days", band(0.5, from_=0), band(0.5, 2, from_=5))
    assert asked(by=of_factors(weeks, stress()))["field"] == "/runner/life_complaint"


@pytest.mark.parametrize(("weight", "narrows"), [(0.3796, 9), (0.38, 10), (0.0196, 0), (0.02, 1)])
def test_a_range_gets_narrower_by_whole_points_rounded_half_up(weight: float, narrows: int) -> None:
    weak = {"knee": {"grade": "high", "weight": weight, "reason": "Made up."}}
    assert asked(by=of_factors(stress(joints=weak))) == {
        "field": "/runner/life_complaint",
        "narrows": {"knee": narrows},
    }


def test_a_range_may_get_narrower_by_more_than_the_scale_is_long() -> None:
    assert asked(by=of_factors(pain(ratio=64)))["narrows"] == {"knee": 150}


def test_of_two_factors_of_a_group_that_read_one_field_both_are_settled() -> None:
    small, large = band(0.5, 2, from_=50), band(0.5, 4, from_=70)
    by = of_factors(
        factor("old", "age_years", band(0.5, from_=0), small, group="age"),
        factor("older", "age_years", band(0.5, from_=0), large, group="age"),
        pain(ratio=3),
    )
    assert asked(by=by) == {"field": "/runner/age_years", "narrows": {"knee": 50}}


def test_when_nothing_is_unknown_nothing_is_asked() -> None:
    assert asked({"life_complaint": False}, by=of_factors(stress())) is None
    assert asked({"life_complaint": True}, by=of_factors(stress())) is None


def test_one_field_that_several_factors_read_is_worth_all_of_them() -> None:
    older = factor("old", "age_years", *AGE)
    oldest = factor("older", "age_years", band(0.5, from_=0), band(0.5, 2, from_=70))
    by = of_factors(older, oldest, pain(ratio=3))
    assert asked(by=by) == {"field": "/runner/age_years", "narrows": {"knee": 50}}


def test_one_field_is_worth_what_it_settles_in_both_joints() -> None:
    both = {"knee": {"grade": "high", "weight": 1}, "lower_back": {"grade": "moderate", "weight": 0.75}}
    by = of_factors(stress(joints=both), pain(ratio=3))
    assert asked(by=by) == {"field": "/runner/life_complaint", "narrows": {"knee": 25, "lower_back": 19}}


def test_one_field_in_two_groups_of_a_joint_is_worth_both() -> None:
    sessions = factor("often", "strength_sessions_per_week", band(0.5, from_=0), band(0.5, 2, from_=2))
    guided = factor("guided", "supervised_hip_core", band(0.5, is_="no"), band(0.5, 2, is_="yes"), worse_when="later")
    by = of_factors(sessions, guided, pain(ratio=3))
    runner = {"strength_training": {"supervised": True, "focus": "hip_core"}}
    assert asked(runner, by=by) == {"field": "/runner/strength_training/sessions_per_week", "narrows": {"knee": 50}}


def test_in_a_group_only_what_an_answer_could_still_change_counts() -> None:
    # with no complaint the pain of the same group may still be worth 50 points; with the complaint settled, as much
    by = of_factors(stress(group="both"), pain(ratio=4, group="both"))
    assert asked(by=by) == {"field": "/runner/knee/pain_at_rest", "narrows": {"knee": 25}}
    assert asked({"life_complaint": True}, by=by) == {"field": "/runner/knee/pain_at_rest", "narrows": {"knee": 25}}


@pytest.mark.parametrize(
    ("knee", "field"),
    [
        ({}, "/runner/knee/history"),
        ({"months_since": 4}, "/runner/knee/history"),
        ({"history": "recovered"}, "/runner/knee/months_since"),
        ({"history": "recovered", "months_since": 4}, None),
        ({"history": "never"}, None),
        ({"history": "current"}, None),
    ],
)
def test_of_a_feature_its_first_absent_field_is_asked(knee: Json, field: str | None) -> None:
    bands = band(0.2, 4, from_=0), band(0.2, 2, above=12), band(0.6, is_="never", reference=True)
    by = of_factors(factor("knee", "months_since_knee_problem", *bands, worse_when="lower"))
    question = asked({"knee": knee}, by=by)
    assert (question and question["field"]) == field


def test_a_question_stands_for_its_reference_answer_even_where_that_cannot_be_any_more() -> None:
    bands = band(0.2, 4, from_=0), band(0.2, 2, above=12), band(0.6, is_="never", reference=True)
    by = of_factors(factor("knee", "months_since_knee_problem", *bands, worse_when="lower"))
    assert asked({"knee": {"history": "recovered"}}, by=by)["narrows"] == {"knee": 25}


def test_a_log_that_is_there_but_too_short_leaves_nothing_to_ask_but_its_beginning() -> None:
    by = of_factors(factor("spike", "session_spike_ratio", band(0.5, from_=0), band(0.5, 2, above=1.1)))
    assert asked(by=by)["field"] == "/training/sessions"
    assert asked({}, {"sessions": []}, by=by)["field"] == "/training/sessions"
    assert asked({}, {"observed_from": "2026-09-01"}, by=by)["field"] == "/training/sessions"
    assert asked({}, log(run(3, 15_000), run(5, 10_000), since=None), by=by)["field"] == "/training/observed_from"
    # what no answer could tell is not asked
    assert asked({}, log(run(3, 15_000), run(5, 10_000), since=12), by=by) is None


def test_a_gap_that_nothing_can_fill_does_not_keep_other_questions_from_being_asked() -> None:
    spike = factor("spike", "session_spike_ratio", band(0.5, from_=0), band(0.5, 4, above=1.1))
    by = of_factors(spike, stress())
    assert asked({}, log(run(3, 15_000), run(5, 10_000), since=12), by=by)["field"] == "/runner/life_complaint"


def test_a_question_that_can_narrow_nothing_is_still_the_question() -> None:
    # pain of the same group is known and outweighs the complaint: the range is a point already
    by = of_factors(stress(group="both"), pain(ratio=4, group="both"))
    assert asked({"knee": {"pain_at_rest": True}}, by=by) == {"field": "/runner/life_complaint", "narrows": {}}


def test_what_is_only_shown_is_never_asked() -> None:
    shown = {"knee": {"grade": None, "weight": 0}}
    by = of_factors(factor("weeks", "week_to_week_ratio", band(1, from_=0), joints=shown), stress())
    assert asked({"life_complaint": True}, by=by) is None


# --- the published rule set ------------------------------------------------------------------------------------------


ANSWERS: Json = {
    "age_years": 41, "running_years": 3, "height_m": 1.68, "mass_kg": 64, "goal_event": "none", "sex": "female",
    "knee": {"history": "never", "pain_now": 0}, "lower_back": {"history": "never", "pain_now": 0},
    "other_injury": {"history": "never"}, "core_strength": "strong", "posture": "good", "foot_posture": "neutral",
    "shoes": {"pairs": 1, "cushioning": "soft", "support": "neutral"}, "warm_up": "usually", "sleep_hours": 8,
    "strength_training": {"sessions_per_week": 0, "supervised": False, "focus": "general"},
    "other_sport_hours_per_week": 0, "life_complaint": False,
}  # fmt: skip
RUNS = log(run(3, 10_000), run(20, 10_000))


def test_of_a_stranger_the_runs_are_asked_first() -> None:
    # both factors that read them in reference: of the 22.29 points for the knee only 4.18 of weekly distances are left
    assert asked() == {"field": "/training/sessions", "narrows": {"knee": 18, "lower_back": 7}}


def test_a_suspended_joint_is_not_asked_about() -> None:
    question = asked({"lower_back": {"pain_now": 7}})
    assert question["field"].startswith(("/runner/", "/training/"))
    assert "lower_back" not in question["narrows"]
    both = {"lower_back": {"pain_now": 7}, "knee": {"pain_now": 7}}
    assert asked(both) is None


def test_asking_and_answering_comes_to_an_end() -> None:
    known: Json = {"runner": {}, "training": {}}
    widths: list[int] = []
    for _ in range(40):
        answered = answer(wire(known["runner"], known["training"]))
        widths.append(sum(told["score_range"][1] - told["score_range"][0] for told in answered["joints"].values()))
        question = answered["ask_next"]
        if question is None:
            break
        whole, *path = question["field"].split("/")[1:]
        if whole == "training":
            known["training"] = RUNS
            continue
        part = known[whole]
        told: Any = ANSWERS
        for step in path[:-1]:
            part, told = part.setdefault(step, {}), told[step]
        assert path[-1] not in part
        part[path[-1]] = told[path[-1]]
    else:
        pytest.fail("there was always something more to ask")
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == 0


@pytest.mark.parametrize("field", ["core_strength", "posture", "warm_up"])
def test_what_the_least_evidence_leaves_out_is_not_asked(field: str) -> None:
    runner = {name: told for name, told in ANSWERS.items() if name != field}
    assert asked(runner, RUNS)["field"] == f"/runner/{field}"
    assert asked(runner, RUNS, by=published("low")) is None
