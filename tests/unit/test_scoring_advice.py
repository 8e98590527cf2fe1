"""Advice: what can be changed, ranked by the points it can take away, claiming no more than it rests on."""

from typing import Any

import pytest

from app.scoring.compiled import CompiledRuleSet
from tests.unit.requests import (
    TODAY,
    Json,
    advice,
    answer,
    answer_without_door,
    band,
    document,
    factor,
    log,
    of_factors,
    published,
    run,
    wire,
)

BOTH = {"knee": {"grade": "high", "weight": 1}, "lower_back": {"grade": "low", "weight": 0.5}}
SLEEP = factor("sleep", "sleep_hours", band(0.5, 2, from_=0), band(0.5, from_=7, reference=True), worse_when="lower",
               joints=BOTH)  # fmt: skip
STRESS = factor("stress", "life_complaint", band(0.5, is_="no"), band(0.5, 4, is_="yes"), worse_when="later")
PAIRS = factor("pairs", "shoe_pairs", band(0.5, from_=0), band(0.5, 0.5, from_=2), worse_when="lower")


def word(id: str, factor: str, *, in_: str = "raised", to: str | None = "reference", **more: Any) -> Json:
    sets = {} if to is None else {factor: to}
    return {
        "id": id, "category": "recovery", "joints": ["knee", "lower_back"], "when": [{"factor": factor, "in": in_}],
        "sets": sets, "text": f"Advice {id}.", "basis": "trial", "evidence": "low", "sources": ["buist-2008"], **more,
    }  # fmt: skip


def given(by: CompiledRuleSet, runner: Json, training: Json | None = None) -> dict[str, Json]:
    return {told["id"]: told for told in answer(wire(runner, training), by=by)["advice"]}


TIRED = {"sleep_hours": 5, "life_complaint": True, "shoes": {"pairs": 1}}


# --- ranking ---------------------------------------------------------------------------------------------------------


def test_what_takes_away_most_points_comes_first() -> None:
    words = [word("sleep", "sleep"), word("rest", "stress"), word("rotate", "pairs", in_="reference", to="≥ 2")]
    by = of_factors(SLEEP, STRESS, PAIRS, advice=words)
    # sleep 25 of the knee and 12.5 of the back, stress 50, a second pair 25
    assert advice(answer(wire(TIRED), by=by)) == ["rest", "sleep", "rotate"]


def test_ties_go_in_document_order_and_what_takes_nothing_away_comes_last() -> None:
    words = [
        word("listen", "sleep", to=None),
        word("second", "pairs", in_="reference", to="≥ 2", joints=["knee"]),
        word("first", "sleep", joints=["knee"]),
        word("also", "pairs", in_="reference", to="≥ 2"),
    ]
    knee = {**SLEEP, "joints": {"knee": {"grade": "high", "weight": 1}}}
    by = of_factors(knee, PAIRS, advice=words)
    assert advice(answer(wire(TIRED), by=by)) == ["second", "first", "also", "listen"]


def test_a_habit_that_takes_nothing_away_ranks_like_none() -> None:
    milder = {**STRESS, "bands": [band(0.5, is_="no", reference=True), band(0.5, 1.5, is_="yes")], "group": "recovery"}
    words = [word("rest", "stress"), word("listen", "sleep", to=None)]
    by = of_factors({**SLEEP, "group": "recovery"}, milder, advice=words)
    told = given(by, {"sleep_hours": 5, "life_complaint": True})
    assert list(told) == ["rest", "listen"]
    assert told["listen"]["similar_runner_score"] is None


def test_points_are_counted_over_both_scored_joints_and_before_clipping() -> None:
    # 37.5 points for short sleep in two joints are more than 25 for a second pair in one, wherever the scores end
    words = [word("rotate", "pairs", in_="reference", to="≥ 2"), word("sleep", "sleep")]
    high = factor("base", "age_years", band(1, from_=0), band(0, 64, from_=30))
    by = of_factors(SLEEP, PAIRS, high, advice=words)
    told = given(by, {**TIRED, "age_years": 41})
    assert list(told) == ["sleep", "rotate"]
    assert told["sleep"]["similar_runner_score"]["knee"] == 100


def test_where_no_joint_is_scored_advice_comes_last_and_promises_nothing() -> None:
    words = [word("knee", "stress", joints=["knee"]), word("back", "sleep", joints=["lower_back"])]
    assert list(given(of_factors(SLEEP, STRESS, advice=words), TIRED)) == ["knee", "back"]
    told = answer_without_door({"sleep_hours": 6.0, "shoes": {"comfortable": False}})["advice"]
    assert [entry["id"] for entry in told] == ["no_shoe_rx", "sleep7"]
    assert [entry["similar_runner_score"] for entry in told] == [None, None]


def test_advice_for_a_joint_without_score_stands_behind_all_other() -> None:
    runner = {"goal_event": "marathon", "knee": {"history": "never", "pain_now": 0}, "posture": "poor"}
    answered = answer(wire(runner))
    assert [told["status"] for told in answered["joints"].values()] == ["scored", "not_assessed"]
    assert advice(answered) == ["shorter_race_first", "no_posture_fix"]
    assert [told["similar_runner_score"] for told in answered["advice"]][1] is None
    assert list(answered["advice"][0]["similar_runner_score"]) == ["knee"]


# --- the similar runner ----------------------------------------------------------------------------------------------


def test_the_similar_runner_is_like_this_one_but_for_the_habit() -> None:
    by = of_factors(SLEEP, STRESS, PAIRS, advice=[word("sleep", "sleep")])
    told = given(by, TIRED)["sleep"]
    other = answer(wire({**TIRED, "sleep_hours": 8}), by=by)["joints"]
    assert told["similar_runner_score"] == {joint: other[joint]["score"] for joint in ("knee", "lower_back")}


def test_in_a_group_the_similar_runner_is_left_with_the_next_worst() -> None:
    milder = {**STRESS, "bands": [band(0.5, is_="no", reference=True), band(0.5, 1.5, is_="yes")], "group": "recovery"}
    by = of_factors({**SLEEP, "group": "recovery"}, milder, advice=[word("sleep", "sleep"), word("rest", "stress")])
    runner = {"sleep_hours": 5, "life_complaint": True}
    told, now = given(by, runner), answer(wire(runner), by=by)["joints"]["knee"]
    assert told["sleep"]["similar_runner_score"]["knee"] == round(now["base"] + 14.62)
    assert told["rest"]["similar_runner_score"] == {"knee": now["score"]}  # the smaller of the two does not count


def test_one_advice_may_change_two_habits_of_a_group() -> None:
    both = word("both", "sleep")
    both["sets"] = {"sleep": "reference", "stress": "reference"}
    by = of_factors({**SLEEP, "group": "recovery"}, {**STRESS, "group": "recovery"}, advice=[both])
    told = given(by, {"sleep_hours": 5, "life_complaint": True})["both"]
    knee = answer(wire({"sleep_hours": 8, "life_complaint": False}), by=by)["joints"]["knee"]
    assert told["similar_runner_score"]["knee"] == knee["score"]


def test_one_advice_may_change_two_habits_of_two_groups() -> None:
    both = word("both", "sleep")
    both["sets"] = {"sleep": "reference", "stress": "reference"}
    by = of_factors(SLEEP, STRESS, advice=[both])
    told = given(by, {"sleep_hours": 5, "life_complaint": True})["both"]
    joints = answer(wire({"sleep_hours": 8, "life_complaint": False}), by=by)["joints"]
    assert told["similar_runner_score"] == {joint: joints[joint]["score"] for joint in ("knee", "lower_back")}


def test_the_similar_runner_of_a_named_band_stands_in_that_band() -> None:
    three = factor("other", "other_sport_hours_per_week", band(0.4, from_=0), band(0.3, 0.8, from_=1),
                   band(0.3, 0.5, from_=2), worse_when="lower")  # fmt: skip
    words = [word("some", "other", in_="reference", to="≥ 1"), word("more", "other", in_="reference", to="≥ 2")]
    by = of_factors(three, advice=words)
    told = given(by, {"other_sport_hours_per_week": 0})
    assert list(told) == ["more", "some"]
    scores = [answer(wire({"other_sport_hours_per_week": hours}), by=by)["joints"]["knee"]["score"] for hours in (2, 1)]
    assert [told[id]["similar_runner_score"]["knee"] for id in ("more", "some")] == scores


def test_a_habit_that_does_not_apply_or_is_not_known_may_still_be_changed_by_a_word() -> None:
    words = [word("sleep", "stress", to=None)]
    words[0]["sets"] = {"sleep": "reference"}
    by = of_factors(SLEEP, STRESS, advice=words)
    told = given(by, {"life_complaint": True})["sleep"]
    asleep = answer(wire({"life_complaint": True, "sleep_hours": 8}), by=by)["joints"]
    assert told["similar_runner_score"] == {joint: asleep[joint]["score"] for joint in ("knee", "lower_back")}


def test_advice_without_a_habit_to_set_has_no_similar_runner() -> None:
    by = of_factors(SLEEP, advice=[word("listen", "sleep", to=None)])
    assert given(by, TIRED)["listen"]["similar_runner_score"] is None


# --- what stands beside it -------------------------------------------------------------------------------------------


def test_because_names_every_cause_once_and_in_order() -> None:
    causes = word("word", "sleep", to=None)
    causes["when"] = [
        {"factor": "stress", "in": "raised"},
        {"all": [{"factor": "sleep", "in": "raised"}, {"feature": "shoe_pairs", "below": 2}]},
        {"all": [{"factor": "sleep", "in": "raised"}, {"factor": "stress", "in": "raised"}]},
        {"flag": "dizzy"},
        {"factor": "sleep", "in": "reference"},
    ]
    dizzy = {"id": "dizzy", "joint": "whole_body", "effect": "note", "urgency": None, "question": "Dizzy?",
             "text": "Dizzy.", "action": "Rest.", "basis": "safety_judgement"}  # fmt: skip
    by = of_factors(SLEEP, STRESS, advice=[causes], flags=[dizzy])
    told = given(by, {**TIRED, "symptoms": ["dizzy"]})["word"]
    assert told["because"] == ["stress", "sleep", "shoe_pairs", "dizzy"]
    assert given(by, {"life_complaint": True})["word"]["because"] == ["stress"]


def test_an_advice_says_on_what_it_rests() -> None:
    told = {entry["id"]: entry for entry in answer(wire({"sleep_hours": 6}))["advice"]}["sleep7"]
    assert told == {
        "id": "sleep7", "category": "recovery", "joints": ["knee", "lower_back"],
        "text": next(entry.text["en"] for entry in document().advice if entry.id == "sleep7"),
        "because": ["sleep_short"], "similar_runner_score": None, "basis": "association", "evidence": "low",
        "sources": ["johnston-2020"],
    }  # fmt: skip


# --- the published catalogue -----------------------------------------------------------------------------------------

KNOWN = {"knee": {"history": "never", "pain_now": 0}, "lower_back": {"history": "never", "pain_now": 0}}
SORE_KNEE = {"knee": {"history": "current", "pain_now": 3}}
SORE_BACK = {"lower_back": {"history": "current", "pain_now": 2}}


@pytest.mark.parametrize(
    ("runner", "training", "expected", "missing"),
    [
        ({}, log(run(3, 15_000), run(20, 10_000)), {"cap_single_run"}, {"do_not_chase_10pct"}),
        ({}, log(run(3, 11_000), run(10, 9_000), run(20, 10_000)), {"do_not_chase_10pct"}, {"cap_single_run"}),
        (
            {"running_years": 0.5},
            {"weekly_distance_m": [9_000, 9_000, 18_000]},
            {"steady_weeks_first_year"},
            {"steady_weeks"},
        ),
        (
            {"running_years": 2},
            {"weekly_distance_m": [9_000, 9_000, 18_000]},
            {"steady_weeks"},
            {"steady_weeks_first_year"},
        ),
        ({"running_years": 0.5}, {}, {"first_year_patience", "soft_land"}, {"first_weeks_short"}),
        ({"running_years": 0.05, "height_m": 1.6, "mass_kg": 90}, {}, {"first_weeks_short"}, set()),
        ({"running_years": 0.1, "height_m": 1.6, "mass_kg": 90}, {}, {"first_year_patience"}, {"first_weeks_short"}),
        ({"goal_event": "ultra"}, {}, {"shorter_race_first"}, set()),
        ({}, log(run(14, 9_000)), {"return_stepwise"}, {"return_stepwise_knee"}),
        ({}, log(run(13, 9_000)), set(), {"return_stepwise"}),
        ({"knee": {"history": "recovered", "months_since": 3}}, {}, {"return_stepwise_knee"}, {"return_stepwise"}),
        (SORE_KNEE, {}, {"early_niggle", "pain_traffic", "cadence_trial", "strength_pfp"}, {"early_niggle_back"}),
        (SORE_KNEE, {}, {"foot_strike_leave", "see_professional_knee"}, {"see_professional_sore_knee", "forward_lean"}),
        ({"knee": {"pain_now": 4}}, {}, {"see_professional_sore_knee"}, {"see_professional_sore_back"}),
        # no way of landing or stepping with a sore calf, no leaning with a sore back
        (
            {**SORE_KNEE, "other_injury": {"history": "current"}},
            {},
            {"pain_traffic"},
            {"cadence_trial", "step_length_knee"},
        ),
        ({**SORE_KNEE, "lower_back": {"pain_now": 0}}, {}, {"forward_lean"}, set()),
        ({**SORE_KNEE, "lower_back": {"pain_now": 1}}, {}, set(), {"forward_lean"}),
        ({**SORE_KNEE, "lower_back": {"pain_now": 0, "history": "current"}}, {}, set(), {"forward_lean"}),
        # the traffic light is not for a bone that hurts
        (
            {"knee": {"pain_now": 3}, "lower_back": {"symptoms": ["lb_one_leg_numbness"]}},
            {},
            {"early_niggle"},
            {"pain_traffic"},
        ),
        (SORE_BACK, {}, {"back_keep_moving", "pain_traffic_back", "back_leg_strength"}, {"back_walk"}),
        ({**SORE_BACK, "knee": {"symptoms": ["kn_gives_way"]}}, {}, {"back_keep_moving"}, set()),
        ({"lower_back": {"history": "recovered", "episodes": 3}}, {}, {"see_professional_back", "back_walk"}, set()),
        ({"plank_seconds": 73}, {}, {"core_not_fix"}, set()),
        ({"plank_seconds": 73.5}, {}, set(), {"core_not_fix"}),
        (
            {"core_strength": "weak", "posture": "poor", "warm_up": "never"},
            {},
            {"train_core", "no_posture_fix", "warmup_optional"},
            {"stretch_optional"},
        ),
        ({"warm_up": "usually"}, {}, {"stretch_optional"}, {"warmup_optional"}),
        ({"strength_training": {"sessions_per_week": 1}}, {}, {"back_exercise"}, set()),
        ({"strength_training": {"sessions_per_week": 2}}, {}, set(), {"back_exercise"}),
        (
            {"shoes": {"pairs": 1, "support": "minimalist", "comfortable": False}},
            {},
            {"rotate_shoes", "minimalist_slow", "no_shoe_rx"},
            set(),
        ),
        ({"shoes": {"pairs": 2, "comfortable": True}}, {}, set(), {"rotate_shoes", "no_shoe_rx"}),
        ({"foot_posture": "pronated", "shoes": {"support": "neutral"}}, {}, {"motion_control_pronated"}, set()),
        ({"foot_posture": "neutral", "shoes": {"support": "neutral"}}, {}, set(), {"motion_control_pronated"}),
    ],
)
def test_a_runner_hears_what_is_meant_for_such_a_runner(
    runner: Json, training: Json, expected: set[str], missing: set[str]
) -> None:
    heard = set(advice(answer(wire(runner, training))))
    assert expected <= heard
    assert not missing & heard


def test_advice_that_names_a_score_never_raises_it() -> None:
    runner: Any = {
        **KNOWN, **TIRED, "running_years": 3, "goal_event": "marathon", "core_strength": "weak", "posture": "poor",
        "warm_up": "never", "strength_training": {"sessions_per_week": 0}, "other_sport_hours_per_week": 0,
        "sex": "male", "mass_kg": 70, "shoes": {"pairs": 1, "cushioning": "firm"},
    }  # fmt: skip
    answered = answer(wire(runner, log(run(3, 15_000), run(20, 10_000))))
    now = {joint: told["score"] for joint, told in answered["joints"].items()}
    promised = [told["similar_runner_score"] for told in answered["advice"] if told["similar_runner_score"]]
    assert len(promised) >= 10
    assert all(scores[joint] <= now[joint] for scores in promised for joint in scores)


def test_advice_rests_on_the_day_and_rules_asked_for() -> None:
    answered = answer(wire(TIRED), by=published("low"))
    assert answered["as_of"] == str(TODAY)
    rotate = next(told for told in answered["advice"] if told["id"] == "rotate_shoes")
    assert rotate["joints"] == ["knee", "lower_back"]


def test_with_the_least_evidence_the_similar_runner_differs_where_the_habit_still_counts() -> None:
    request = wire({**KNOWN, "shoes": {"pairs": 1}})
    scores = {
        least: next(told["similar_runner_score"] for told in answer(request, by=published(least))["advice"])
        for least in (None, "low")
    }
    assert list(scores[None]) == ["knee", "lower_back"]
    assert list(scores["low"]) == ["knee"]
