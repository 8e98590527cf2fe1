"""When a condition of the rule set holds; an unknown makes it false, in `when` and in `not_when`."""

from typing import Any

import pytest

from tests.unit.requests import Json, advice, answer, band, factor, log, of_factors, published, rules, run, wire

FACTORS = (
    factor("sleep", "sleep_hours", band(0.2, 4, from_=0), band(0.3, 2, from_=6), band(0.5, from_=7, reference=True),
           worse_when="lower"),
    factor("stress", "life_complaint", band(0.5, is_="no"), band(0.5, 2, is_="yes"), worse_when="later",
           joints={"knee": {"grade": "low", "weight": 0.5}, "lower_back": {"grade": "very_low", "weight": 0.25}}),
    factor("pain", "knee_pain_now", band(0.5, from_=0), band(0.5, 2, from_=4),
           joints={
               "knee": {"grade": "low", "weight": 0.5},
               "lower_back": {
                   "grade": "low", "weight": 0.5, "feature": "lower_back_pain_now",
                   "bands": [band(0.5, from_=0, reference=True), band(0.5, 2, from_=2)],
               },
           }),
    factor("spike", "session_spike_ratio", band(0.5, from_=0), band(0.5, 2, above=1.1)),
    factor("knee", "months_since_knee_problem", band(0.2, 4, from_=0), band(0.2, 2, above=12),
           band(0.6, is_="never", reference=True), worse_when="lower"),
)  # fmt: skip

WORD: Json = {"category": "recovery", "joints": ["knee"], "text": "Said.", "basis": "judgement", "evidence": None}


def said(when: Any, runner: Json, training: Json | None = None, *, not_when: Any = (), **more: Any) -> bool:
    """Whether an advice with this `when` is given."""
    word = {"id": "word", "when": when if isinstance(when, list) else [when], "not_when": list(not_when), **WORD}
    by = of_factors(*FACTORS, advice=[word], **more)
    return advice(answer(wire(runner, training), by=by)) == ["word"]


@pytest.mark.parametrize(
    ("condition", "runner", "holds"),
    [
        ({"factor": "sleep", "in": "raised"}, {"sleep_hours": 6.5}, True),
        ({"factor": "sleep", "in": "raised"}, {"sleep_hours": 5}, True),
        ({"factor": "sleep", "in": "raised"}, {"sleep_hours": 7}, False),
        ({"factor": "sleep", "in": "raised"}, {}, False),
        ({"factor": "sleep", "in": "reference"}, {"sleep_hours": 7}, True),
        ({"factor": "sleep", "in": "reference"}, {"sleep_hours": 6.5}, False),
        ({"factor": "sleep", "in": "reference"}, {}, False),
        ({"factor": "sleep", "in": "≥ 6"}, {"sleep_hours": 6.5}, True),
        ({"factor": "sleep", "in": "≥ 6"}, {"sleep_hours": 5}, False),
        ({"factor": "sleep", "in": ["< 6", "≥ 7"]}, {"sleep_hours": 5}, True),
        ({"factor": "sleep", "in": ["< 6", "≥ 7"]}, {"sleep_hours": 6}, False),
        ({"factor": "sleep", "in": ["raised", "reference"]}, {}, True),  # true of everybody
        # a set of bands is known to be raised even where the band is not
        ({"factor": "knee", "in": "raised"}, {"knee": {"history": "recovered"}}, True),
        ({"factor": "knee", "in": "> 12"}, {"knee": {"history": "recovered"}}, False),
        ({"factor": "knee", "in": "raised"}, {"knee": {"history": "never"}}, False),
        # what does not apply stands in no band
        ({"factor": "spike", "in": "reference"}, {"running_years": 0}, False),
        ({"factor": "spike", "in": ["reference", "raised"]}, {"running_years": 0}, False),
        # of a factor that reads another feature at the other joint, either will do, unless one is named
        ({"factor": "pain", "in": "raised"}, {"knee": {"pain_now": 4}}, True),
        ({"factor": "pain", "in": "raised"}, {"lower_back": {"pain_now": 2}}, True),
        ({"factor": "pain", "in": "raised"}, {"knee": {"pain_now": 3}, "lower_back": {"pain_now": 1}}, False),
        ({"factor": "pain", "joint": "knee", "in": "raised"}, {"knee": {"pain_now": 4}}, True),
        ({"factor": "pain", "joint": "knee", "in": "raised"}, {"lower_back": {"pain_now": 4}}, False),
        ({"factor": "pain", "joint": "lower_back", "in": "raised"}, {"lower_back": {"pain_now": 2}}, True),
        ({"factor": "pain", "joint": "lower_back", "in": "≥ 2"}, {"lower_back": {"pain_now": 2}}, True),
    ],
)
def test_a_factor_in_a_band(condition: Json, runner: Json, holds: bool) -> None:
    assert said(condition, runner) is holds


@pytest.mark.parametrize(
    ("range_", "hours", "holds"),
    [
        ({"from": 6.1}, 6.1, True),
        ({"from": 6.1}, 6.099, False),
        ({"above": 6.1}, 6.1, False),
        ({"above": 6.1}, 6.101, True),
        ({"below": 6.1}, 6.1, False),
        ({"below": 6.1}, 6.099, True),
        ({"to": 6.1}, 6.1, True),
        ({"to": 6.1}, 6.101, False),
        ({"from": 5, "to": 6}, 5.5, True),
        ({"from": 5, "to": 6}, 4.9, False),
        ({"from": 5, "to": 6}, 6.1, False),
        ({"above": 5, "below": 6}, 5, False),
        ({"above": 5, "below": 6}, 6, False),
        ({"from": 0}, 0, True),
        ({"from": 0}, None, False),
        ({"below": 24}, None, False),
    ],
)
def test_a_feature_in_a_range(range_: Json, hours: float | None, holds: bool) -> None:
    assert said({"feature": "sleep_hours", **range_}, {"sleep_hours": hours}) is holds


@pytest.mark.parametrize(
    ("condition", "training", "holds"),
    [
        ({"feature": "week_to_week_ratio", "above": 1.1}, {"weekly_distance_m": [10_000, 11_001]}, True),
        ({"feature": "week_to_week_ratio", "above": 1.1}, {"weekly_distance_m": [10_000, 11_000]}, False),
        ({"feature": "week_to_week_ratio", "above": 1.1}, {"weekly_distance_m": [0, 11_000]}, True),
        ({"feature": "week_to_week_ratio", "below": 9}, {"weekly_distance_m": [0, 11_000]}, False),
        # none after none is no rise
        ({"feature": "week_to_week_ratio", "above": 1.1}, {"weekly_distance_m": [0, 0]}, False),
        ({"feature": "week_to_week_ratio", "from": 1.1}, {"weekly_distance_m": [0, 0]}, False),
        ({"feature": "week_to_week_ratio", "to": 1.1}, {"weekly_distance_m": [0, 0]}, True),
        # a number that is only known to lie between two is not in a range
        ({"feature": "session_spike_ratio", "from": 0}, log(run(3, 9_000), since=9), False),
        ({"feature": "session_spike_ratio", "from": 0}, {"weekly_distance_m": [9_000]}, False),
        ({"feature": "session_spike_ratio", "from": 1.5}, log(run(3, 15_000), run(20, 10_000)), True),
    ],
)
def test_a_feature_of_the_training_in_a_range(condition: Json, training: Json, holds: bool) -> None:
    assert said(condition, {}, training) is holds


@pytest.mark.parametrize(
    ("choices", "runner", "holds"),
    [
        ("never", {"warm_up": "never"}, True),
        (["never", "sometimes"], {"warm_up": "sometimes"}, True),
        ("never", {"warm_up": "usually"}, False),
        ("never", {}, False),
    ],
)
def test_a_feature_that_is_one_of_some_choices(choices: Any, runner: Json, holds: bool) -> None:
    assert said({"feature": "warm_up", "is": choices}, runner) is holds


def test_a_choice_of_a_feature_that_also_answers_numbers() -> None:
    condition = {"feature": "months_since_knee_problem", "is": "never"}
    assert said(condition, {"knee": {"history": "never"}})
    assert not said(condition, {"knee": {"history": "current"}})
    assert not said({"feature": "months_since_knee_problem", "to": 3}, {"knee": {"history": "never"}})
    assert said({"feature": "months_since_knee_problem", "to": 3}, {"knee": {"history": "current"}})


SHORT, COLD, CALM = {"sleep_hours": 5}, {"warm_up": "never"}, {"life_complaint": False}
NO_SLEEP = {"feature": "sleep_hours", "below": 6}
NO_WARM_UP = {"feature": "warm_up", "is": "never"}
STRESS = {"factor": "stress", "in": "reference"}


@pytest.mark.parametrize(
    ("when", "runner", "holds"),
    [
        ({"all": [NO_SLEEP, NO_WARM_UP]}, {**SHORT, **COLD}, True),
        ({"all": [NO_SLEEP, NO_WARM_UP]}, SHORT, False),
        ({"all": [NO_SLEEP, NO_WARM_UP]}, COLD, False),
        ({"all": [NO_SLEEP, NO_WARM_UP]}, {}, False),
        ([NO_SLEEP, NO_WARM_UP], SHORT, True),
        ([NO_SLEEP, NO_WARM_UP], COLD, True),
        ([NO_SLEEP, NO_WARM_UP], {}, False),
        ([{"all": [NO_SLEEP, STRESS]}, NO_WARM_UP], {**SHORT, **CALM}, True),
        ([{"all": [NO_SLEEP, STRESS]}, NO_WARM_UP], SHORT, False),
        ([{"all": [NO_SLEEP, STRESS]}, NO_WARM_UP], COLD, True),
        ({"all": [NO_SLEEP, {"all": [NO_WARM_UP, STRESS]}]}, {**SHORT, **COLD, **CALM}, True),
        ({"all": [NO_SLEEP, {"all": [NO_WARM_UP, STRESS]}]}, {**SHORT, **COLD}, False),
    ],
)
def test_all_of_several_or_any_one_of_several(when: Any, runner: Json, holds: bool) -> None:
    assert said(when, runner) is holds


@pytest.mark.parametrize(
    ("not_when", "runner", "holds"),
    [
        ([NO_WARM_UP], {}, True),  # an unknown silences nothing
        ([NO_WARM_UP], {"warm_up": "usually"}, True),
        ([NO_WARM_UP], COLD, False),
        ([NO_WARM_UP, STRESS], CALM, False),
        ([{"all": [NO_WARM_UP, STRESS]}], CALM, True),
        ([{"all": [NO_WARM_UP, STRESS]}], {**CALM, **COLD}, False),
    ],
)
def test_what_is_known_silences_an_advice(not_when: list[Json], runner: Json, holds: bool) -> None:
    assert said(NO_SLEEP, {**SHORT, **runner}, not_when=not_when) is holds


FLAG: Json = {"effect": "note", "urgency": None, "text": "Noted.", "action": "Read.", "basis": "safety_judgement"}


@pytest.mark.parametrize(
    ("runner", "holds"),
    [({}, False), ({"symptoms": []}, False), ({"symptoms": ["dizzy"]}, True), (COLD, True), (CALM, False)],
)
def test_a_flag_that_is_raised(runner: Json, holds: bool) -> None:
    flags = [
        {"id": "dizzy", "joint": "whole_body", "question": "Dizzy?", **FLAG},
        {"id": "cold", "joint": "whole_body", "when": [NO_WARM_UP], **FLAG},
        {"id": "asleep", "joint": "whole_body", "question": "Asleep?", **FLAG},
    ]
    assert said([{"flag": "dizzy"}, {"flag": "cold"}], runner, flags=flags) is holds
    assert said(NO_SLEEP, {**SHORT, **runner}, not_when=[{"flag": "dizzy"}, {"flag": "cold"}], flags=flags) is not holds


def test_a_flag_makes_nothing_true_but_itself() -> None:
    dizzy = {"id": "dizzy", "joint": "whole_body", "question": "Dizzy?", **FLAG}
    assert not said([NO_SLEEP, NO_WARM_UP], {"symptoms": ["dizzy"]}, not_when=[{"flag": "dizzy"}], flags=[dizzy])
    assert said([NO_SLEEP, {"flag": "dizzy"}], {"symptoms": ["dizzy"]}, flags=[dizzy])


def test_a_flag_without_question_is_derived_from_any_one_of_its_conditions() -> None:
    flags = [{"id": "worn", "joint": "whole_body", "when": [NO_SLEEP, {"all": [NO_WARM_UP, STRESS]}], **FLAG}]
    assert said({"flag": "worn"}, SHORT, flags=flags)
    assert said({"flag": "worn"}, {**COLD, **CALM}, flags=flags)
    assert not said({"flag": "worn"}, COLD, flags=flags)


# --- the least evidence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "told", "id", "given"),
    [
        ("core_strength", "weak", "train_core", {None: True, "low": False, "moderate": False}),
        ("sleep_hours", 6, "sleep7", {None: True, "low": True, "moderate": False}),
        ("plank_seconds", 40, "core_not_fix", {None: True, "low": True, "moderate": True}),  # rests on no factor
    ],
)
def test_a_factor_that_the_least_evidence_leaves_out_calls_for_nothing(
    field: str, told: Any, id: str, given: dict[Any, bool]
) -> None:
    request = wire({field: told})
    assert {least: id in advice(answer(request, by=published(least))) for least in given} == given


def test_a_factor_that_is_left_out_at_one_joint_still_calls_at_the_other() -> None:
    request = wire({"life_complaint": True, "lower_back": {"history": "never", "pain_now": 0}, "knee": {"pain_now": 0}})
    assert "stress_care" in advice(answer(request, by=published("low")))


def test_a_factor_that_is_left_out_silences_nothing_either() -> None:
    def change(written: Json) -> None:
        word = {"id": "word", "when": [NO_SLEEP], "not_when": [{"factor": "core_strength", "in": "raised"}], **WORD}
        written["advice"] = [word]

    request = wire({**SHORT, "core_strength": "weak"})
    assert advice(answer(request, by=rules(change))) == []
    assert advice(answer(request, by=rules(change, min_evidence="low"))) == ["word"]
