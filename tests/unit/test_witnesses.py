"""Runners on purpose: whoever is asked for stands where it was asked, and the service would take the request."""

import json
from typing import Any

import pytest

from app.features import FEATURES, Between
from app.rule_sets.profile_answers import ANSWERS, Told
from app.rule_sets.witnesses import TRAINING_FEATURES, Bench, Wish, join, without_inputs, write_request
from app.runners import read_request
from app.scoring.rule_set import Condition
from tests.unit.requests import TODAY, band, document, factor, of_factors, published, rules

BENCH = Bench(rules())
BANDS = [(number, place) for number, ruler in enumerate(BENCH.rules.rulers) for place in range(len(ruler.labels))]


def name_of_band(case: tuple[int, int]) -> str:
    ruler = BENCH.rules.rulers[case[0]]
    return f"{ruler.feature} {ruler.labels[case[1]]}"


@pytest.mark.parametrize("case", BANDS, ids=name_of_band)
def test_every_band_of_the_published_rules_has_a_runner(case: tuple[int, int]) -> None:
    number, place = case
    told = BENCH.in_band(number, 1 << place)

    assert told is not None
    read = read_request(json.dumps(write_request(told)).encode(), today=TODAY)
    facts = BENCH.facts(told)
    assert facts is not None
    assert read.findings == [] or told.keys() & {"/training"}
    assert BENCH.masks(facts)[number] == 1 << place


@pytest.mark.parametrize("feature", [each for each in FEATURES if each not in TRAINING_FEATURES])
def test_every_feature_of_the_profile_is_known_and_unknown_to_somebody(feature: str) -> None:
    readings = [one.reading for one in BENCH.witnesses(feature)]

    assert None in readings
    assert any(reading is not None for reading in readings)
    assert {reading for reading in readings if isinstance(reading, str)} >= set(FEATURES[feature].choices)


@pytest.mark.parametrize("feature", [each for each in FEATURES if FEATURES[each].partly_known])
def test_what_can_be_known_in_part_is_known_in_part_to_somebody(feature: str) -> None:
    assert any(isinstance(one.reading, Between) for one in BENCH.witnesses(feature))


@pytest.mark.parametrize("feature", TRAINING_FEATURES)
def test_logs_stand_on_both_sides_of_a_cut_and_on_it(feature: str) -> None:
    cut = {"weekly_running_days": 3, "days_since_run": 9, "longest_run_30d_m": 7000, "weekly_distance_m": 7000}
    edge = cut.get(feature, 210 if feature.endswith("min") else 1.25)
    bench = Bench(of_factors(factor("made", feature, band(0.5, from_=0), band(0.5, 2, above=edge))))

    numbers = [
        reading[0] / reading[1]
        for one in bench.witnesses(feature)
        if isinstance(reading := one.reading, tuple) and reading[1]
    ]
    assert min(numbers) < edge < max(numbers)
    # Minutes come out of seconds, which are written to the thousandth.
    assert any(abs(number - edge) < (1e-3 if feature.endswith("min") else 1e-9) for number in numbers)


def test_features_that_combine_several_fields_have_a_row_each() -> None:
    combined = {id for id, feature in FEATURES.items() if len(feature.inputs) > 1 and id not in TRAINING_FEATURES}

    assert set(ANSWERS) == combined


def test_several_bands_at_once() -> None:
    tables = BENCH.rules.joints["lower_back"]
    masks = {pair.ruler: 1 << (len(pair.bands) - 1) for pair in tables.pairs if pair.factor.group == "history"}

    told = BENCH.in_bands(masks)

    assert told is not None
    assert len(masks) == 3
    facts = BENCH.facts(told)
    assert facts is not None
    assert {ruler: BENCH.masks(facts)[ruler] for ruler in masks} == masks


def test_what_contradicts_itself_has_no_runner() -> None:
    wishes = [
        Wish("knee_history", lambda reading: reading == "never"),
        Wish("months_since_knee_problem", lambda reading: reading == (0, 1)),
    ]

    assert next(BENCH.runners(wishes), None) is None


def test_the_runner_at_reference_carries_no_points_and_is_wholly_known() -> None:
    found = BENCH.assess(BENCH.at_reference)

    assert found is not None
    for joint, assessed in found.grading.joints.items():
        assert assessed.totals.raw == found.rules.joints[joint].base
        assert assessed.known_share == 1


@pytest.mark.parametrize(
    "written",
    [
        {"factor": "current_complaint", "joint": "lower_back", "in": "≥ 4"},
        {"feature": "body_mass_index", "above": 30},
        {"flag": "kn_locked"},
        {"flag": "knee_pain_8_10"},
        {
            "all": [
                {"feature": "week_to_week_ratio", "above": 1.1},
                {"factor": "session_spike", "in": "reference"},
                {"feature": "running_years", "below": 0.1},
            ]
        },
    ],
)
def test_a_condition_is_met_by_somebody(written: dict[str, Any]) -> None:
    condition = Condition.model_validate(written)
    advice = document().advice[0].model_copy(update={"when": [condition], "not_when": []})
    own = rules(lambda made: made.update(advice=[advice.model_dump(by_alias=True, exclude_none=True)], examples=[]))
    bench = Bench(own)

    told = next(bench.meeting(own.document.advice[0].when[0]))
    found = bench.assess(told)

    assert found is not None
    suspends = "flag" in written
    assert bool(found.grading.advice) is not suspends
    assert bool(found.grading.flags) is suspends


def test_answers_join_unless_they_contradict_each_other() -> None:
    assert join({"/runner/sex": "male"}, {"/runner/sex": "female"}) is None
    assert join({"/runner/symptoms": ["a"]}, {"/runner/symptoms": ["a", "b"]}) == {"/runner/symptoms": ["a", "b"]}


def test_what_a_feature_reads_can_be_taken_back() -> None:
    told: Told = {"/runner/knee/history": "never", "/runner/knee/pain_now": 2, "/training": {}}

    assert without_inputs(told, ["months_since_knee_problem", "days_since_run"]) == {"/runner/knee/pain_now": 2}


def test_the_same_rules_have_the_same_runners() -> None:
    one, other = Bench(published()), Bench(published())

    assert [one.in_band(number, 1 << place) for number, place in BANDS] == [
        other.in_band(number, 1 << place) for number, place in BANDS
    ]
