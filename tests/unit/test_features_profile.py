"""What the profile tells is handed on as told; what several answers decide together is decided only when it can be."""

from typing import Any

import pytest

from app.features import NOT_APPLICABLE, Between, Reading
from tests.unit.requests import Json, reading, wire


def told(feature: str, runner: Json) -> Reading:
    return reading(feature, wire(runner))


@pytest.mark.parametrize(
    ("feature", "field", "given", "expected"),
    [
        ("age_years", "age_years", 41, (41, 1)),
        ("sex", "sex", "other", "other"),
        ("running_years", "running_years", 0.25, (250, 1000)),
        ("running_years", "running_years", 3, (3000, 1000)),
        ("pregnancy", "pregnancy", "postpartum", "postpartum"),
        ("body_mass_kg", "mass_kg", 64.25, (64_250, 1000)),
        ("goal_event", "goal_event", "none", "none"),
        ("sleep_hours", "sleep_hours", 6.9996, (7_000, 1000)),
        ("sleep_hours", "sleep_hours", 6.9994, (6_999, 1000)),
        ("life_complaint", "life_complaint", True, "yes"),
        ("life_complaint", "life_complaint", False, "no"),
        ("other_sport_hours_per_week", "other_sport_hours_per_week", 0, (0, 1000)),
        ("core_strength", "core_strength", "weak", "weak"),
        ("plank_seconds", "plank_seconds", 55, (55_000, 1000)),
        ("posture", "posture", "poor", "poor"),
        ("warm_up", "warm_up", "never", "never"),
        ("foot_posture", "foot_posture", "supinated", "supinated"),
        ("knee_pain_now", "knee/pain_now", 0, (0, 1)),
        ("lower_back_pain_now", "lower_back/pain_now", 4, (4, 1)),
        ("knee_pain_at_rest", "knee/pain_at_rest", True, "yes"),
        ("lower_back_pain_at_rest", "lower_back/pain_at_rest", False, "no"),
        ("knee_history", "knee/history", "current", "current"),
        ("lower_back_history", "lower_back/history", "never", "never"),
        ("other_injury_history", "other_injury/history", "recovered", "recovered"),
        ("shoe_pairs", "shoes/pairs", 2, (2, 1)),
        ("shoe_cushioning", "shoes/cushioning", "firm", "firm"),
        ("shoe_support", "shoes/support", "minimalist", "minimalist"),
        ("shoe_distance_m", "shoes/distance_m", 640_000, (640_000_000, 1000)),
        ("shoe_comfort", "shoes/comfortable", False, "no"),
        ("strength_sessions_per_week", "strength_training/sessions_per_week", 1.5, (1500, 1000)),
        ("strength_focus", "strength_training/focus", "general", "general"),
        ("strength_supervised", "strength_training/supervised", True, "yes"),
    ],
)
def test_an_answer_is_handed_on_and_its_absence_is_unknown(
    feature: str, field: str, given: Any, expected: Reading
) -> None:
    part, _, name = field.rpartition("/")

    def runner(answer: Any) -> Json:
        return {part: {name: answer}} if part else {name: answer}

    assert told(feature, runner(given)) == expected
    assert told(feature, runner(None)) is None
    assert told(feature, {part: {}} if part else {}) is None
    assert told(feature, {part: None} if part else {}) is None


ANY = Between((0, 1), None)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (None, None),
        ({}, None),
        ({"months_since": 3}, None),
        ({"history": "never"}, "never"),
        ({"history": "current"}, (0, 1)),
        ({"history": "current", "months_since": 9}, (0, 1)),
        ({"history": "recovered"}, ANY),
        ({"history": "recovered", "months_since": 0}, (0, 1)),
        ({"history": "recovered", "months_since": 13}, (13, 1)),
    ],
)
@pytest.mark.parametrize(
    ("feature", "part"), [("months_since_knee_problem", "knee"), ("months_since_other_injury", "other_injury")]
)
def test_months_since_trouble_are_counted_from_its_end(
    feature: str, part: str, history: Json | None, expected: Reading
) -> None:
    assert told(feature, {part: history}) == expected


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        (None, None),
        ({}, None),
        ({"episodes": 2}, None),
        ({"history": "never"}, (0, 1)),
        ({"history": "recovered"}, Between((1, 1), None)),
        ({"history": "current"}, Between((1, 1), None)),
        ({"history": "recovered", "episodes": 3}, (3, 1)),
        ({"history": "recovered", "episodes": 0}, (1, 1)),  # a history is at least one episode
        ({"history": "current", "episodes": 1}, (1, 1)),
    ],
)
def test_episodes_of_back_pain_are_at_least_one_where_there_is_a_history(back: Json | None, expected: Reading) -> None:
    assert told("low_back_episodes", {"lower_back": back}) == expected


@pytest.mark.parametrize(
    ("joint", "expected"),
    [
        (None, None),
        ({}, None),
        ({"cleared_to_run": True}, None),
        ({"surgery": "none"}, "none"),
        ({"surgery": "none", "cleared_to_run": False}, "none"),
        ({"surgery": "other"}, "uncleared"),  # of unknown date
        ({"surgery": "other", "cleared_to_run": True}, "cleared"),
        ({"surgery": "other", "cleared_to_run": False}, "uncleared"),
        ({"surgery": "other", "surgery_months_since": 11}, "uncleared"),
        ({"surgery": "other", "surgery_months_since": 11, "cleared_to_run": False}, "uncleared"),
        ({"surgery": "other", "surgery_months_since": 11, "cleared_to_run": True}, "cleared"),
        ({"surgery": "other", "surgery_months_since": 12}, "cleared"),
        ({"surgery": "other", "surgery_months_since": 12, "cleared_to_run": False}, "cleared"),
    ],
)
@pytest.mark.parametrize("part", ["knee", "lower_back"])
def test_an_operation_of_the_last_year_needs_clearance(part: str, joint: Json | None, expected: Reading) -> None:
    assert told(f"{part}_surgery_clearance", {part: joint}) == expected


def test_the_operation_of_one_joint_is_not_that_of_the_other() -> None:
    assert told("lower_back_surgery_clearance", {"knee": {"surgery": "ligament"}}) is None
    assert told("knee_surgery_clearance", {"lower_back": {"surgery": "disc"}, "knee": {}}) is None


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        ({"height_m": 1.6, "mass_kg": 64}, (64_000_000, 2_560_000)),
        ({"height_m": 1.6}, None),
        ({"mass_kg": 64}, None),
    ],
)
def test_body_mass_index_needs_both_its_parts(runner: Json, expected: Reading) -> None:
    assert told("body_mass_index", runner) == expected


@pytest.mark.parametrize(
    ("sex", "mass_kg", "cushioning", "expected"),
    [
        ("male", 78.199, "firm", "yes"),
        ("male", 78.2, "firm", "no"),
        ("female", 62.799, "firm", "yes"),
        ("female", 62.8, "firm", "no"),
        ("male", 70, "firm", "yes"),
        ("female", 70, "firm", "no"),
        # where sex is unknown or other, only a mass that decides for both is known
        (None, 62.799, "firm", "yes"),
        ("other", 62.799, "firm", "yes"),
        (None, 62.8, "firm", None),
        ("other", 78.199, "firm", None),
        (None, 78.2, "firm", "no"),
        ("other", 78.2, "firm", "no"),
        # a shoe that is not firm settles it
        (None, 70, "soft", "no"),
        ("male", None, "medium", "no"),
        (None, None, "soft", "no"),
        ("male", None, "firm", None),
        # so does a heavy runner
        ("male", 90, None, "no"),
        ("male", 60, None, None),
        (None, None, None, None),
    ],
)
def test_firm_shoes_matter_to_light_runners(
    sex: str | None, mass_kg: float | None, cushioning: str | None, expected: Reading
) -> None:
    runner = {"sex": sex, "mass_kg": mass_kg, "shoes": {"cushioning": cushioning}}
    assert told("firm_shoe_light_runner", runner) == expected


def test_without_shoes_a_heavy_runner_is_no_light_runner_in_firm_shoes() -> None:
    assert told("firm_shoe_light_runner", {"sex": "male", "mass_kg": 90}) == "no"
    assert told("firm_shoe_light_runner", {"sex": "male", "mass_kg": 60}) is None


@pytest.mark.parametrize(
    ("foot", "support", "expected"),
    [
        ("pronated", "motion_control", "yes"),
        ("pronated", "neutral", "no"),
        ("neutral", "motion_control", "no"),
        ("supinated", None, "no"),
        ("pronated", None, None),
        (None, "motion_control", None),
        (None, "minimalist", "no"),
        (None, None, None),
    ],
)
def test_motion_control_counts_on_pronated_feet(foot: str | None, support: str | None, expected: Reading) -> None:
    assert told("motion_control_pronated", {"foot_posture": foot, "shoes": {"support": support}}) == expected


def test_feet_alone_can_settle_it_without_shoes() -> None:
    assert told("motion_control_pronated", {"foot_posture": "neutral"}) == "no"
    assert told("motion_control_pronated", {"foot_posture": "pronated"}) is None


@pytest.mark.parametrize(
    ("strength", "expected"),
    [
        (None, None),
        ({}, None),
        ({"supervised": True, "focus": "hip_core", "sessions_per_week": 2}, "yes"),
        ({"supervised": True, "focus": "hip_core", "sessions_per_week": 0.001}, "yes"),
        ({"supervised": True, "focus": "hip_core", "sessions_per_week": 0.0004}, "no"),
        ({"supervised": True, "focus": "hip_core", "sessions_per_week": 0}, "no"),
        ({"supervised": True, "focus": "hip_core"}, None),
        ({"supervised": True, "sessions_per_week": 2}, None),
        ({"focus": "hip_core", "sessions_per_week": 2}, None),
        ({"supervised": False}, "no"),
        ({"focus": "general"}, "no"),
        ({"sessions_per_week": 0}, "no"),
    ],
)
def test_a_hip_and_core_programme_counts_when_it_is_supervised_and_done(
    strength: Json | None, expected: Reading
) -> None:
    assert told("supervised_hip_core", {"strength_training": strength}) == expected


def test_that_a_feature_does_not_apply_is_written_as_that() -> None:
    assert repr(NOT_APPLICABLE) == "NOT_APPLICABLE"


# --- at the door -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mass_kg", "grams"),
    [(64.0004, 64_000), (64.0006, 64_001), (64.0625, 64_062), (64.1875, 64_188)],
)
def test_a_quantity_becomes_whole_thousandths_half_to_even(mass_kg: float, grams: int) -> None:
    assert told("body_mass_kg", {"mass_kg": mass_kg}) == (grams, 1000)
