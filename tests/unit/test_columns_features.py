"""Every feature has a twin over columns that answers the same."""

import json
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pytest

from app.errors import InvalidInputError
from app.features import FEATURES, Between, Reading, derive_facts
from app.features import NOT_APPLICABLE as DOES_NOT_APPLY
from app.features.columns import (
    BETWEEN,
    CHOICE,
    COLUMN_FEATURES,
    NOT_APPLICABLE,
    NUMBER,
    UNBOUNDED,
    ColumnFacts,
    RatioColumn,
    ReadingColumn,
    twin_of,
)
from app.runners import read_request
from app.runners.requests import ReadRequest
from app.runners.told_columns import told_by_requests
from app.scoring.rulers import mask_of
from app.scoring.standing_columns import RulerColumn, compare
from tests.generative.many_runners import runners_of
from tests.oracle.service import shipped_rules
from tests.unit.requests import TODAY, log, run, wire


@cache
def readable(count: int, *, seed: int) -> list[ReadRequest]:
    """Seeded runners, those that can be read."""
    reads = []
    for request in runners_of(Random(seed), count):
        try:
            reads.append(read_request(json.dumps(request).encode(), today=TODAY))
        except InvalidInputError:
            continue
    return reads


def ratio_at(ratios: RatioColumn | None, row: int) -> tuple[int, int]:
    assert ratios is not None
    under = ratios.denominator if isinstance(ratios.denominator, int) else int(ratios.denominator[row])
    return int(ratios.numerator[row]), under


def reading_at(column: ReadingColumn, row: int, choices: tuple[str, ...]) -> Reading:
    """One row of a column as the reading that it stands for."""
    kind = int(column.kind[row])
    if kind == NUMBER:
        return ratio_at(column.number, row)
    if kind == CHOICE:
        assert column.choice is not None
        return choices[int(column.choice[row])]
    if kind == BETWEEN:
        high = ratio_at(column.high, row)
        return Between(ratio_at(column.number, row), None if high[1] == UNBOUNDED else high)
    return DOES_NOT_APPLY if kind == NOT_APPLICABLE else None


def test_every_feature_has_a_twin_over_columns() -> None:
    without = set(FEATURES) - set(COLUMN_FEATURES)

    assert without == set(), "write its twin in load_columns.py or body_columns.py, and a row in columns.py"
    assert set(COLUMN_FEATURES) - set(FEATURES) == set()


def test_a_feature_of_several_fields_without_a_function_of_its_own_has_no_twin() -> None:
    new = replace(FEATURES["body_mass_index"], id="ponderal_index")

    assert twin_of(new) is None
    assert twin_of(FEATURES["body_mass_index"]) is not None


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_and_its_twin_give_the_same_readings(name: str) -> None:
    feature = FEATURES[name]
    reads = readable(400, seed=3)

    column = COLUMN_FEATURES[name](ColumnFacts(told_by_requests(reads)))

    told = [feature.derive(derive_facts(read.request, as_of=read.as_of)) for read in reads]
    assert len({repr(reading) for reading in told}) > 2
    assert [reading_at(column, row, feature.choices) for row in range(len(reads))] == told


def test_a_ratio_beyond_sixty_four_bits_is_compared_exactly() -> None:
    far = 10**15
    ratios = RatioColumn(np.array([far - 1, far, far + 1, 1, 0]), np.array([far, far, far, 0, 1]))

    assert compare(ratios, 10**15, 10**15).tolist() == [-1, 0, 1, 1, -1]
    assert compare(RatioColumn(np.array([5, 6]), 5), 1, 1).tolist() == [0, 1]


def test_a_ruler_over_columns_finds_the_bands_that_the_ruler_finds() -> None:
    reads = readable(200, seed=5)
    facts = ColumnFacts(told_by_requests(reads))
    for ruler in shipped_rules().rulers:
        on = RulerColumn(ruler)

        numbers = on.set_numbers(COLUMN_FEATURES[ruler.feature](facts))

        derive = FEATURES[ruler.feature].derive
        masks = [ruler.mask(derive(derive_facts(read.request, as_of=read.as_of))) for read in reads]
        assert [on.sets[number] for number in numbers] == masks
        for number in set(numbers.tolist()):
            mask = on.sets[number]
            assert bool(mask & (mask - 1)) == on.unknown[number]
            assert on.known_band[number] == (-1 if on.unknown[number] or not mask else mask.bit_length() - 1)
        assert mask_of([on.ruler.reference]) == on.sets[on.reference_set]


def test_a_log_of_nobody_is_counted_too() -> None:
    read = read_request(json.dumps(wire({}, log(run(3, None), run(45, 5000)))).encode(), today=TODAY)
    facts = ColumnFacts(told_by_requests([read]))

    assert facts.log.last_run_age.numbers.tolist() == [3]
    assert facts.log.unknown_distances is not None
    assert ColumnFacts(told_by_requests([])).log.longest_mm.shape[1] == 0
