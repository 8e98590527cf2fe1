"""The other half of the question: what running does for this runner, in the runner's own numbers."""

from typing import Any

import pytest

from tests.unit.requests import Json, answer, band, factor, log, of_factors, rules, run, wire

ALWAYS = ["mortality_lee", "mortality_pooled", "fitness", "knee_oa", "disc"]


def benefits(runner: Json | None = None, training: Json | None = None) -> dict[str, Json]:
    return {told["id"]: told for told in answer(wire(runner, training))["benefits"]}


@pytest.mark.parametrize(
    ("runner", "training", "more"),
    [
        ({}, {}, []),
        ({"age_years": 49}, {}, []),
        ({"age_years": 50}, {}, ["disability"]),
        ({"sex": "male"}, {}, ["bone"]),
        ({"sex": "female"}, {}, []),
        ({"lower_back": {"history": "recovered"}}, {}, ["lbp_run"]),
        ({"lower_back": {"history": "never"}}, {}, []),
        ({}, log(run(3, 10_000, duration_s=3_600)), ["who_minutes", "met"]),
        ({}, log(run(3, 10_000)), []),
        ({}, log(), ["who_minutes"]),  # 0 minutes are a number, 0 MET-minutes are no benefit
        ({}, log(run(3, 10_000, duration_s=3_600), since=5), []),
    ],
)
def test_a_benefit_is_told_to_whom_it_applies(runner: Json, training: Json, more: list[str]) -> None:
    assert sorted(benefits(runner, training)) == sorted([*ALWAYS, *more])


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(3_600, 60), (3_629.999, 60), (3_630, 61), (3_690, 62), (30, 1), (29.999, 0)]
)
def test_a_benefit_names_the_runners_own_number_rounded_half_up(seconds: float, minutes: int) -> None:
    told = benefits({}, log(run(3, None, duration_s=seconds)))["who_minutes"]
    assert told["numbers"] == {"weekly_duration_min": minutes}
    assert told["text"].startswith(f"You ran {minutes} minutes in the last 7 days.")


def test_a_benefit_says_on_what_it_rests() -> None:
    told = benefits()["mortality_pooled"]
    assert told["numbers"] == {}
    assert told["evidence"] == "moderate"
    assert told["sources"] == ["pedisic-2020"]
    assert set(told) == {"id", "text", "numbers", "evidence", "sources"}


def test_every_source_of_a_benefit_is_cited() -> None:
    answered = answer(wire({"age_years": 50, "sex": "male", "lower_back": {"history": "recovered"}}))
    for told in answered["benefits"]:
        assert set(told["sources"]) <= set(answered["sources"])


def test_two_runners_are_each_told_their_own_numbers() -> None:
    by = rules()
    first = answer(wire({}, log(run(3, 10_000, duration_s=3_600))), by=by)["benefits"][0]
    second = answer(wire({}, log(run(3, 10_000, duration_s=4_200))), by=by)["benefits"][0]
    assert [told["numbers"]["weekly_duration_min"] for told in (first, second)] == [60, 70]
    assert "60 minutes" in first["text"]
    assert "70 minutes" in second["text"]


def test_a_benefit_with_a_number_that_is_not_known_or_beyond_all_is_left_out() -> None:
    benefit: Any = {
        "id": "rise", "text": "Times {week_to_week_ratio} and {age_years}.", "evidence": "low",
        "numbers": ["week_to_week_ratio", "age_years"], "sources": ["bull-2020"],
    }  # fmt: skip
    by = of_factors(factor("old", "age_years", band(1, from_=0)), benefits=[benefit])

    def told(runner: Json, *weeks: int) -> list[str]:
        return [entry["text"] for entry in answer(wire(runner, {"weekly_distance_m": weeks}), by=by)["benefits"]]

    assert told({"age_years": 41}, 10_000, 25_000) == ["Times 3 and 41."]
    assert told({"age_years": 41}, 10_000, 24_999) == ["Times 2 and 41."]
    assert told({}, 10_000, 25_000) == []
    assert told({"age_years": 41}, 10_000) == []
    assert told({"age_years": 41}, 0, 25_000) == []
