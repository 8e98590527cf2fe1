"""What is worked out is kept for the next runner in the same place, and no answer shows it."""

import json
from decimal import Decimal
from typing import Any

import pytest

from app.scoring.assessment import Detail, render
from app.scoring.numerals import write_hundredths, write_number, write_reading, write_thousandths
from tests.unit.requests import Json, assessed, band, factor, log, of_factors, rules, run, wire

KNOWN: Json = {"age_years": 41, "running_years": 3, "knee": {"history": "never"}, "shoes": {"pairs": 1}}
SIZES: tuple[Detail, ...] = ("full", "codes", "scores")
RUNNER = wire({**KNOWN, "sleep_hours": 6.125}, log(run(3, 15_000), run(20, 10_000)))


def test_thousands_of_other_runners_change_no_answer() -> None:
    by = rules()
    before = render(assessed(RUNNER, by=by))
    for number in range(4_500):
        assessed(wire({**KNOWN, "sleep_hours": number / 250, "mass_kg": 50 + number / 100}), by=by)
    assert render(assessed(RUNNER, by=by)) == before == render(assessed(RUNNER, by=rules()))


def test_the_second_runner_in_a_place_gets_the_bytes_of_the_first_in_every_size() -> None:
    by = rules()
    for detail in SIZES:
        first = render(assessed(RUNNER, by=by), detail=detail)
        assert render(assessed(RUNNER, by=by), detail=detail) == first


def test_runners_in_ever_new_places_change_no_answer() -> None:
    bands = [band(0.1, from_=0), *(band(0.1, 1 + step / 10, from_=step * 10) for step in range(1, 10))]
    made = [
        factor(f"made_{name}", name, *bands) for name in ("age_years", "plank_seconds", "shoe_pairs", "sleep_hours")
    ]
    by, fresh = of_factors(*made), of_factors(*made)
    before = render(assessed(RUNNER, by=by))
    for number in range(1_100):
        ones, tens, hundreds = number % 10, number // 10 % 10, number // 100 % 10
        runner = {"age_years": 10 * ones + 5, "plank_seconds": 10 * tens, "shoes": {"pairs": 10 * hundreds}}
        assessed(wire({**runner, "sleep_hours": 10 * (number // 1_000)}), by=by)
    assert render(assessed(RUNNER, by=by)) == before == render(assessed(RUNNER, by=fresh))


def test_a_rule_set_with_a_memory_is_equal_to_one_without() -> None:
    by = rules()
    assessed(RUNNER, by=by)
    assert by == rules()
    assert repr(by) == repr(rules())


# --- numerals --------------------------------------------------------------------------------------------------------


def test_every_number_of_hundredths_is_written_as_short_as_it_can_be() -> None:
    for hundredths in range(-70_000, 70_000):
        written = write_hundredths(hundredths)
        assert Decimal(written) * 100 == hundredths
        assert not ("." in written and written.endswith("0"))
        assert written != "-0"


def test_every_number_is_written_with_at_most_two_decimals() -> None:
    for thousandths in range(70_000):
        written = write_number(thousandths / 1000)
        assert json.loads(written) == round(thousandths / 1000, 2)
        assert len(written.partition(".")[2]) <= 2
        assert not written.endswith((".0", "."))


@pytest.mark.parametrize(
    ("thousandths", "written"),
    [
        (0, "0"),
        (1, "0.001"),
        (10, "0.01"),
        (1_000, "1"),
        (1_500, "1.5"),
        (26_000_000, "26000"),
        (12_345_678, "12345.678"),
    ],
)
def test_thousandths_are_written_as_the_unit(thousandths: int, written: str) -> None:
    assert write_thousandths(thousandths) == written


@pytest.mark.parametrize(
    ("reading", "number", "choice"),
    [
        ((15, 10), 1.5, None),
        ((20, 10), 2, None),
        ((1, 3), 0.3333, None),
        ((2, 3), 0.6667, None),
        ((0, 7), 0, None),
        ((7, 0), None, None),
        ("weak", None, "weak"),
        (None, None, None),
    ],
)
def test_a_reading_is_written_as_a_number_or_a_choice(reading: Any, number: Any, choice: Any) -> None:
    written = write_reading(reading)
    assert json.loads(f"{{{written}}}") == {"number": number, "choice": choice}
    assert ".0," not in written
