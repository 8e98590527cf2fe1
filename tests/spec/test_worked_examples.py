"""The rules mean what their page says: every worked example of the document, and the numbers of the design."""

import json
from typing import Any

import pytest

from app.runners import read_request
from app.scoring.assessment import render
from app.scoring.engine import assess
from tests.oracle.service import TODAY, answer, disagreements, shipped_document, shipped_oracle, shipped_rules

EXAMPLES: list[dict[str, Any]] = shipped_document()["examples"]


def titles(example: dict[str, Any]) -> str:
    return str(example["title"])


def answer_on_its_day(request: dict[str, Any]) -> dict[str, Any]:
    read, as_of, findings = read_request(json.dumps(request).encode(), today=TODAY, unknown_fields="refuse")
    answered: dict[str, Any] = json.loads(render(assess(shipped_rules(), read, as_of=as_of, findings=findings)))
    return answered


def points_of(answered: dict[str, Any], joint: str) -> dict[str, float]:
    return {line["factor"]: line["points"] for line in answered["joints"][joint]["contributions"]}


def log(longest_m: float, last_m: float) -> dict[str, Any]:
    return {
        "observed_from": "2026-09-01",
        "sessions": [
            {"started_on": "2026-11-01", "distance_m": longest_m},
            {"started_on": "2026-11-22", "distance_m": last_m},
        ],
    }


def spiked(longest_m: float, last_m: float) -> dict[str, Any]:
    return {"as_of": "2026-11-23", "runner": {"running_years": 3}, "training": log(longest_m, last_m)}


def test_the_document_has_worked_examples_for_both_joints() -> None:
    named = {joint for example in EXAMPLES for joint in example.get("points", {})}

    assert named == {"knee", "lower_back"}


@pytest.mark.parametrize("example", EXAMPLES, ids=titles)
def test_a_worked_example_gives_the_points_it_shows(example: dict[str, Any]) -> None:
    answered = answer_on_its_day(example["request"])

    for joint, expected in example.get("points", {}).items():
        told = points_of(answered, joint)
        assert {factor: told[factor] for factor in expected} == expected


@pytest.mark.parametrize("example", EXAMPLES, ids=titles)
def test_a_worked_example_gives_the_scores_levels_statuses_and_advice_it_shows(example: dict[str, Any]) -> None:
    answered = answer_on_its_day(example["request"])
    joints = answered["joints"]

    for joint, score in example.get("scores", {}).items():
        assert joints[joint]["score"] == score
    for joint, level in example.get("levels", {}).items():
        assert joints[joint]["level"] == level
    for joint, status in example.get("statuses", {}).items():
        assert joints[joint]["status"] == status
    if example.get("advice") is not None:
        assert [entry["id"] for entry in answered["advice"]] == example["advice"]


@pytest.mark.parametrize("example", EXAMPLES, ids=titles)
def test_a_second_reading_of_the_design_agrees_on_a_worked_example(example: dict[str, Any]) -> None:
    request = {"as_of": str(TODAY), **example["request"]}

    assert disagreements(answer(shipped_rules(), request), request, shipped_oracle()) == []


def test_a_run_half_as_long_again_gives_the_knee_twelve_and_a_half_points() -> None:
    # 25 × 0.75 × log2(1.59) = 25 × 0.75 × 0.66903 = 12.54; for the back 25 × 0.25 × 0.66903 = 4.18.
    answered = answer(shipped_rules(), spiked(12_000, 18_000))

    assert points_of(answered, "knee")["session_spike"] == 12.54
    assert points_of(answered, "lower_back")["session_spike"] == 4.18


def test_a_run_of_exactly_a_tenth_more_gives_no_points() -> None:
    line = answer(shipped_rules(), spiked(10_000, 11_000))["joints"]["knee"]["contributions"][0]

    assert (line["factor"], line["status"], line["points"], line["band"]) == ("session_spike", "reference", 0, "≤ 1.10")


def test_a_millimetre_beyond_a_tenth_more_counts() -> None:
    line = answer(shipped_rules(), spiked(10_000, 11_000.001))["joints"]["knee"]["contributions"][0]

    assert (line["factor"], line["status"], line["points"], line["band"]) == (
        "session_spike",
        "applied",
        12.54,
        "> 1.10",
    )


@pytest.mark.parametrize(
    ("last_m", "band", "points"),
    [(20_000, "> 1.10", 12.54), (20_000.001, "> 2.00", 22.29)],
    ids=["exactly-double", "a-millimetre-beyond"],
)
def test_twice_as_long_is_not_yet_more_than_twice(last_m: float, band: str, points: float) -> None:
    # 25 × 0.75 × log2(2.28) = 25 × 0.75 × 1.18903 = 22.29.
    line = answer(shipped_rules(), spiked(10_000, last_m))["joints"]["knee"]["contributions"][0]

    assert (line["band"], line["points"]) == (band, points)


def test_the_bases_are_those_that_were_computed_independently() -> None:
    joints = answer(shipped_rules(), {"runner": {}, "training": {}})["joints"]

    assert joints["knee"]["base"] == 35.89
    assert joints["lower_back"]["base"] == 23.1
    assert [shipped_oracle().base(joint) for joint in ("knee", "lower_back")] == [3589, 2310]


def test_a_runner_of_whom_nothing_is_known_stands_at_50_in_the_widest_range_and_is_not_assessed() -> None:
    nothing = answer(shipped_rules(), {"runner": {}, "training": {}})["joints"]
    something = answer(shipped_rules(), {"runner": {"sleep_hours": 8}, "training": {}})["joints"]

    for joint, told in nothing.items():
        reasons = sum(round(line["points"] * 100) for line in told["contributions"])
        assert abs(round(told["base"] * 100) + reasons - 5000) <= 100
        assert (told["status"], told["score"], told["level"], told["relative_risk"]) == (
            "not_assessed",
            None,
            None,
            None,
        )
        assert told["known_share"] == 0
        low, high = something[joint]["score_range"]
        assert told["score_range"][0] <= low <= high <= told["score_range"][1]
    # Base 35.89: protective groups could take 34.94 away; the risks could add 79.32, which passes the end of the scale.
    assert nothing["knee"]["score_range"] == [1, 100]
    assert nothing["lower_back"]["score_range"] == [11, 100]


def test_a_runner_at_every_reference_stands_at_the_base() -> None:
    request = {
        "as_of": "2026-11-23",
        "runner": {
            "height_m": 1.8,
            "mass_kg": 70,
            "running_years": 3,
            "goal_event": "none",
            "knee": {"history": "never", "pain_now": 0},
            "lower_back": {"history": "never", "pain_now": 0},
            "other_injury": {"history": "never"},
            "core_strength": "average",
            "posture": "fair",
            "foot_posture": "neutral",
            "shoes": {"pairs": 1, "cushioning": "soft", "support": "neutral"},
            "strength_training": {"sessions_per_week": 0, "supervised": False, "focus": "general"},
            "warm_up": "usually",
            "sleep_hours": 8,
            "other_sport_hours_per_week": 0,
            "life_complaint": False,
        },
        "training": log(10_000, 10_000),
    }

    joints = answer(shipped_rules(), request)["joints"]

    assert [joint["score"] for joint in joints.values()] == [36, 23]
    assert [joint["score_range"] for joint in joints.values()] == [[36, 36], [23, 23]]
    assert [joint["known_share"] for joint in joints.values()] == [1, 1]
    # 2 ** ((35.89 - 50) / 25) = 0.676; 2 ** ((23.10 - 50) / 25) = 0.474. No factor counts: the interval has no width.
    assert joints["knee"]["relative_risk"] == {"estimate": 0.68, "low": 0.68, "high": 0.68}
    assert joints["lower_back"]["relative_risk"] == {"estimate": 0.47, "low": 0.47, "high": 0.47}
    assert {line["status"] for line in joints["knee"]["contributions"]} <= {"reference", "not_applicable", "excluded"}


def test_twice_the_average_risk_stands_at_75() -> None:
    request = {
        "as_of": "2026-11-23",
        "runner": {"running_years": 3, "knee": {"history": "never", "pain_now": 5}},
        "training": log(10_000, 10_000),
    }

    knee = answer(shipped_rules(), request)["joints"]["knee"]

    assert knee["relative_risk"]["estimate"] == round(2 ** ((sum_of(knee) - 50) / 25), 2)


def sum_of(joint: dict[str, Any]) -> float:
    return float(joint["base"] + sum(line["points"] for line in joint["contributions"]))
