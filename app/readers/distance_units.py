"""The unit of a table's distances, worked out where it is not written."""

from collections.abc import Iterable
from statistics import median
from typing import Final, Literal, NamedTuple

from app.readers.activities import ReadingFinding

Unit = Literal["metres", "kilometres", "miles"]
METRES: Final[dict[Unit, float]] = {"metres": 1.0, "kilometres": 1000.0, "miles": 1609.344}
_WITHIN: Final = 0.08
"""Strides and cadences are averages, short distances are cut to two decimals; a mile is 61 % more than a kilometre."""


class UnitFound(NamedTuple):
    """A unit, and what in the file speaks for it.

    Attributes:
        unit: of the distances.
        sign: what shows it: the columns themselves, the file's own arithmetic, or nothing.
    """

    unit: Unit
    sign: Literal["columns", "arithmetic", "none"]


def check_unit(found: UnitFound, *, source: str) -> list[ReadingFinding]:
    """A finding where the unit was worked out and is not the usual one, or where nothing speaks for it."""
    if found.sign == "columns" or (found.sign == "arithmetic" and found.unit != "miles"):
        return []
    why = "as the file's own times and speeds say" if found.sign == "arithmetic" else "since nothing in it says"
    return [ReadingFinding("unit-guessed", source, detail=f"Distances were taken as {found.unit}, {why}.")]


def unit_of_ratios(ratios: Iterable[float]) -> Unit | None:
    """The unit of which the file's own arithmetic says so many metres make one; None where it says nothing clear.

    >>> unit_of_ratios([1003.0, 998.0, 400.0]), unit_of_ratios([1609.0, 1655.1]), unit_of_ratios([1300.0])
    ('kilometres', 'miles', None)
    >>> unit_of_ratios([]) is None
    True
    """
    told = [ratio for ratio in ratios if ratio > 0]
    if not told:
        return None
    middle = median(told)
    near = [unit for unit, metres in METRES.items() if abs(middle / metres - 1) <= _WITHIN]
    return near[0] if near else None
