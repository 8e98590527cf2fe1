"""A joint's tables added up, and the two things that are read off the sum in integers."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from app.scoring.compiled import CompiledRuleSet, Entry, JointTables

Z_95 = 1.96
"""Standard errors on either side of an estimate that a 95 % interval reaches."""


class Totals(NamedTuple):
    """A joint's tables added up.

    Attributes:
        entries: the entry chosen in each group, by index.
        raw: hundredths of a point before clipping.
        low, high: the least and the most that filling in the unknowns can give, hundredths, unclipped.
        variance: squared standard error of the score's log2, summed over the factors that count.
        applied, weak: hundredths, without sign, that known factors carry, and those of them on very_low evidence.
    """

    entries: tuple[int, ...]
    raw: int
    low: int
    high: int
    variance: float
    applied: int
    weak: int

    def moved(self, now: Entry, then: Entry) -> Self:
        """The same sum with one entry changed for another; points and range only."""
        return self._replace(
            raw=self.raw + then.points - now.points,
            low=self.low + then.low - now.low,
            high=self.high + then.high - now.high,
        )


def add_up(tables: JointTables, masks: Sequence[int]) -> Totals:
    """Adds the entries that these masks (one for each ruler) select; integers only."""
    raw = low = high = tables.base
    variance, applied, weak = 0.0, 0, 0
    chosen: list[int] = []
    for group in tables.groups:
        index = 0
        for ruler, offsets in group.steps:
            index += offsets[masks[ruler]]
        chosen.append(index)
        points, entry_low, entry_high, _, entry_variance, entry_applied, entry_weak = group.entries[index]
        raw += points
        low += entry_low
        high += entry_high
        variance += entry_variance
        applied += entry_applied
        weak += entry_weak
    return Totals(tuple(chosen), raw, low, high, variance, applied, weak)


def is_assessed(rules: CompiledRuleSet, tables: JointTables, totals: Totals) -> bool:
    """Whether the known share of a joint's span reaches the rule set's floor."""
    over, under = rules.known_share_floor
    return (tables.full_span - (totals.high - totals.low)) * under >= over * tables.full_span


def print_score(hundredths: int) -> int:
    """A score as it is printed: clipped to 0 … 100 and rounded half up to a whole point.

    >>> print_score(6549), print_score(6550), print_score(-30), print_score(12_000)
    (65, 66, 0, 100)
    """
    return (min(max(hundredths, 0), 10_000) + 50) // 100
