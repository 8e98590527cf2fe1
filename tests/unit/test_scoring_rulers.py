"""A ruler puts a reading into bands; "> 10 %" in a paper never becomes "≥ 10 %"."""

from typing import Any

import pytest

from app.features import FEATURES, NOT_APPLICABLE, Between, Reading
from app.scoring.rule_set import Band
from app.scoring.rulers import Ruler, bands_in, make_ruler
from tests.unit.requests import published

Bands = list[dict[str, Any]]

SPIKE: Bands = [{"from": 0, "reference": True}, {"above": 1.1}, {"above": 2}]
BMI: Bands = [{"from": 0, "reference": True}, {"from": 25}, {"from": 30.5}]
MONTHS: Bands = [{"from": 0}, {"above": 3}, {"above": 12, "is": "never", "reference": True}]
KNEE: Bands = [{"from": 0}, {"above": 12}, {"is": "never", "reference": True}]
WARM_UP: Bands = [{"is": "usually", "reference": True}, {"is": ["sometimes", "never"]}]


def ruler(feature: str, bands: Bands) -> Ruler:
    return make_ruler(FEATURES[feature], [Band.model_validate({"share": 0, **band}) for band in bands])


@pytest.mark.parametrize(
    ("feature", "bands", "labels"),
    [
        ("session_spike_ratio", SPIKE, ("≤ 1.10", "> 1.10", "> 2.00")),
        ("session_spike_ratio", [{"from": 0}, {"from": 1.125, "reference": True}], ("< 1.125", "≥ 1.125")),
        ("session_spike_ratio", [{"from": 0, "reference": True}], ("≥ 0.00",)),
        ("body_mass_index", BMI, ("< 25", "≥ 25", "≥ 30.5")),
        ("body_mass_index", [{"from": 0, "reference": True}], ("≥ 0",)),
        ("sleep_hours", [{"from": 0}, {"from": 7.0, "reference": True}], ("< 7", "≥ 7")),
        ("sleep_hours", [{"from": 0}, {"above": 10, "reference": True}], ("≤ 10", "> 10")),
        ("weekly_distance_m", [{"from": 0}, {"above": 40_000, "reference": True}], ("≤ 40000", "> 40000")),
        ("months_since_other_injury", MONTHS, ("≤ 3", "> 3", "> 12 or never")),
        ("months_since_knee_problem", KNEE, ("≤ 12", "> 12", "never")),
        ("months_since_knee_problem", [{"is": "never", "from": 0, "reference": True}], ("≥ 0 or never",)),
        ("warm_up", WARM_UP, ("usually", "sometimes, never")),
    ],
)
def test_a_band_is_labelled_by_where_it_begins_and_the_first_by_where_it_ends(
    feature: str, bands: Bands, labels: tuple[str, ...]
) -> None:
    assert ruler(feature, bands).labels == labels


@pytest.mark.parametrize(
    ("feature", "bands", "reading", "labels"),
    [
        ("session_spike_ratio", SPIKE, (0, 1), ["≤ 1.10"]),
        ("session_spike_ratio", SPIKE, (11, 10), ["≤ 1.10"]),
        ("session_spike_ratio", SPIKE, (11_000_001, 10_000_000), ["> 1.10"]),
        ("session_spike_ratio", SPIKE, (2, 1), ["> 1.10"]),
        ("session_spike_ratio", SPIKE, (20_000_001, 10_000_000), ["> 2.00"]),
        ("session_spike_ratio", SPIKE, (5, 0), ["> 2.00"]),
        ("session_spike_ratio", SPIKE, Between((0, 1), (3, 2)), ["≤ 1.10", "> 1.10"]),
        ("session_spike_ratio", SPIKE, Between((3, 2), (5, 0)), ["> 1.10", "> 2.00"]),
        ("session_spike_ratio", SPIKE, Between((3, 2), None), ["> 1.10", "> 2.00"]),
        ("session_spike_ratio", SPIKE, Between((5, 2), None), ["> 2.00"]),
        ("session_spike_ratio", SPIKE, Between((0, 1), (1, 1)), ["≤ 1.10"]),
        ("session_spike_ratio", SPIKE, None, ["≤ 1.10", "> 1.10", "> 2.00"]),
        ("session_spike_ratio", SPIKE, NOT_APPLICABLE, []),
        # nothing over nothing is 0, wherever the bands begin
        ("week_to_week_ratio", [{"from": 0, "reference": True}, {"from": 1.3}], (7, 0), ["≥ 1.30"]),
        ("body_mass_index", BMI, (24_999, 1000), ["< 25"]),
        ("body_mass_index", BMI, (25, 1), ["≥ 25"]),
        ("body_mass_index", BMI, (305, 10), ["≥ 30.5"]),
        ("months_since_other_injury", MONTHS, (0, 1), ["≤ 3"]),
        ("months_since_other_injury", MONTHS, (3, 1), ["≤ 3"]),
        ("months_since_other_injury", MONTHS, (4, 1), ["> 3"]),
        ("months_since_other_injury", MONTHS, (13, 1), ["> 12 or never"]),
        ("months_since_other_injury", MONTHS, "never", ["> 12 or never"]),
        ("months_since_other_injury", MONTHS, Between((0, 1), None), ["≤ 3", "> 3", "> 12 or never"]),
        ("months_since_knee_problem", KNEE, Between((0, 1), None), ["≤ 12", "> 12"]),
        ("months_since_knee_problem", KNEE, "never", ["never"]),
        ("months_since_knee_problem", KNEE, None, ["≤ 12", "> 12", "never"]),
        ("warm_up", WARM_UP, "sometimes", ["sometimes, never"]),
        ("warm_up", WARM_UP, "never", ["sometimes, never"]),
        ("warm_up", WARM_UP, "usually", ["usually"]),
    ],
)
def test_a_reading_leaves_the_bands_possible_that_it_may_stand_in(
    feature: str, bands: Bands, reading: Reading, labels: list[str]
) -> None:
    made = ruler(feature, bands)
    assert [made.labels[band] for band in bands_in(made.mask(reading))] == labels


def test_an_edge_that_no_float_can_hold_is_exact() -> None:
    made = ruler("session_spike_ratio", [{"from": 0, "reference": True}, {"above": 0.1}, {"from": 0.3}])
    assert made.mask((1, 10)) == 1
    assert made.mask((3, 10)) == 4
    assert made.mask((2_999_999_999_999_999_999, 10**19)) == 2


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["reference"], ["≤ 1.10"]),
        (["raised"], ["> 1.10", "> 2.00"]),
        (["> 2.00"], ["> 2.00"]),
        (["> 2.00", "≤ 1.10"], ["≤ 1.10", "> 2.00"]),
        (["reference", "raised"], ["≤ 1.10", "> 1.10", "> 2.00"]),
        ([], []),
    ],
)
def test_bands_can_be_named_by_label_or_by_their_side_of_the_reference(names: list[str], labels: list[str]) -> None:
    made = ruler("session_spike_ratio", SPIKE)
    assert [made.labels[band] for band in bands_in(made.mask_of_labels(names))] == labels


def test_a_band_that_does_not_exist_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        ruler("session_spike_ratio", SPIKE).mask_of_labels(["> 1.1"])


@pytest.mark.parametrize(
    ("feature", "bands", "sets"),
    [
        # one row a band, then not applicable, then what a partial answer can leave, then unknown
        ("session_spike_ratio", SPIKE, [0b001, 0b010, 0b100, 0, 0b011, 0b111, 0b110]),
        ("weekly_progression_novice_ratio", SPIKE, [0b001, 0b010, 0b100, 0, 0b111]),
        ("months_since_knee_problem", KNEE, [0b001, 0b010, 0b100, 0b011, 0b111]),
        ("months_since_other_injury", MONTHS, [0b001, 0b010, 0b100, 0b011, 0b111, 0b110]),
        ("sleep_hours", [{"from": 0}, {"from": 7, "reference": True}], [0b01, 0b10, 0b11]),
        ("sleep_hours", [{"from": 0, "reference": True}], [0b1]),
        ("warm_up", WARM_UP, [0b01, 0b10, 0b11]),
    ],
)
def test_a_table_has_a_row_for_every_answer_that_its_feature_can_give(
    feature: str, bands: Bands, sets: list[int]
) -> None:
    assert ruler(feature, bands).sets(FEATURES[feature]) == sets


def test_every_published_ruler_has_its_reference_and_knows_its_choices() -> None:
    for made in published().rulers:
        feature = FEATURES[made.feature]
        assert set(made.choices) == set(feature.choices)
        assert made.labels[made.reference]
        assert len(set(made.labels)) == len(made.labels)
        assert made.mask(None) == (1 << len(made.labels)) - 1
