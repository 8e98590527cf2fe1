"""Corners of rule sets in which the column evaluator has to find what the reference finds."""

from typing import Any

import numpy as np
import pytest

from app.scoring.compiled import CompiledRuleSet
from app.scoring.grading_columns import round_to_hundredths
from tests.generative.many_runners import as_structs, disagreements, expected_row
from tests.unit.requests import Json, band, day, factor, log, of_factors, part, rules, run, wire

SPIKE = band(0.7, from_=0), band(0.3, 1.5, above=1.1)


def agree(by: CompiledRuleSet, *requests: Json) -> list[dict[str, Any]]:
    """What the reference says of these runners, once the columns have said the same."""
    assert disagreements(by, requests, form=as_structs) == []
    return [expected_row(by, request) for request in requests]


def logged(*distances_m: float) -> Json:
    return wire({"running_years": 3}, log(*(run(20 - place, metres) for place, metres in enumerate(distances_m))))


@pytest.mark.parametrize("number", [0.005, 0.015, 0.125, 1.005, 1.115, 2.675, 1e9 + 0.125, 0.0, 3.14159])
def test_numbers_are_rounded_as_python_rounds_them(number: float) -> None:
    assert round_to_hundredths(np.array([number])).tolist() == [round(number, 2)]


def test_a_symptom_that_no_flag_has_refuses_its_row_at_the_first_place() -> None:
    runner = {"knee": {"symptoms": ["kn_locked", "kn_made_up"]}, "lower_back": {"symptoms": ["made_up"]}}

    first, second, third = agree(
        rules(), wire(runner), wire({"symptoms": ["made_up"]}), wire({"knee": {"symptoms": ["kn_locked"]}})
    )

    assert (first["problem_code"], first["problem_pointer"]) == ("unknown-symptom", "/runner/knee/symptoms/1")
    assert second["problem_pointer"] == "/runner/symptoms/0"
    assert third["referral_reason_ids"] == ["kn_locked"]


def test_where_nothing_counts_all_is_known() -> None:
    by = of_factors(factor("spike", "session_spike_ratio", *SPIKE), min_evidence=None)

    (row,) = agree(by, wire())

    assert row["lower_back_known_share"] == 1.0
    assert row["lower_back_score"] == 50


def test_without_a_single_run_factor_no_next_run_is_bounded() -> None:
    by = of_factors(factor("age", "age_years", band(0.7, from_=0), band(0.3, 1.5, from_=40)))

    (row,) = agree(by, logged(9000.0, 10000.0))

    assert row["longest_in_reference_m"] is None


def test_a_reference_band_without_an_end_bounds_no_next_run() -> None:
    worse = {**band(0.3, 1.5, from_=0)}
    endless = {**band(0.7, from_=1.1), "reference": True}
    by = of_factors(factor("spike", "session_spike_ratio", worse, endless, worse_when="lower"))

    assert agree(by, logged(9000.0, 10000.0))[0]["longest_in_reference_m"] is None


@pytest.mark.parametrize("edge", [1.1, 1.123456789012345])
@pytest.mark.parametrize("kind", ["above", "from_"])
def test_the_next_run_ends_where_the_reference_band_does(kind: str, edge: float) -> None:
    spike = factor("spike", "session_spike_ratio", band(0.7, from_=0), band(0.3, 1.5, **{kind: edge}))

    rows = agree(of_factors(spike), logged(9000.0, 10000.0), logged(9000.0, 10000.0, 999.999), logged(90_000.0))

    assert rows[0]["longest_in_reference_m"] == int(10000 * edge) - (kind == "from_" and edge == 1.1)


def test_a_plan_further_ahead_sees_the_log_age() -> None:
    told = []
    for ahead in (0, 1, 6, 7, 12, 30, 31, 60):
        request = logged(9000.0, 10000.0, 8000.0)
        request["training"]["planned_run"] = {"on": day(-ahead), "distance_m": 9000.0}
        told.append(request)

    longest = [row["longest_in_reference_m"] for row in agree(rules(), *told)]

    assert longest[0] == 11000
    assert longest[-1] is None


def test_a_question_about_weeks_is_asked_where_no_log_is() -> None:
    ratio = factor("weeks", "weekly_progression_unlogged_ratio", band(0.7, from_=0), band(0.3, 1.5, above=1.1))

    rows = agree(
        of_factors(ratio), wire({"running_years": 3}), wire(), wire({"running_years": 3}, {"weekly_distance_m": []})
    )

    assert [row["ask_next_field"] for row in rows] == ["/training/weekly_distance_m", "/runner/running_years", None]


def test_a_choice_asked_of_a_number_and_a_number_asked_of_a_choice_hold_for_nobody() -> None:
    def change(written: Json) -> None:
        given = part(written, "advice", "cap_single_run")
        given["when"] = [{"feature": "sex", "above": 1}, {"feature": "age_years", "is": "female"}, *given["when"]]

    runner = {"sex": "female", "age_years": 41, "running_years": 3}
    agree(rules(change), wire(runner), {**logged(9000.0, 20000.0), "runner": runner})
