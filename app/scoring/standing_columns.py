"""Where many runners stand: on every ruler the number of a band set, and the conditions that hold.

A ruler's band sets are numbered in the order of `Ruler.sets`, so that what follows from a set is a look-up in a small
array. The twin of `standing.py`, `rulers.py` and `conditions.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np

from app.features import FEATURES
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
)
from app.runners import JOINTS
from app.runners.told_columns import Mask, Whole
from app.scoring.compiled import CompiledRuleSet
from app.scoring.rule_set import Condition
from app.scoring.rulers import NOT_APPLICABLE_MASK, Ruler, mask_of

_INT64_MAX = 2**63 - 1


def compare(ratios: RatioColumn, numerator: int, denominator: int) -> Whole:
    """The sign of these ratios less one number, by cross-multiplication: -1, 0 or 1, exact.

    A denominator of 0 makes a ratio greater than any number.
    """
    most = _greatest(ratios.numerator) * abs(denominator) + _greatest(ratios.denominator) * abs(numerator)
    if most <= _INT64_MAX:
        signs: Whole = np.sign(ratios.numerator * denominator - numerator * ratios.denominator)
        return signs
    # beyond 64 bits: with Python's integers, which have no end
    wide = np.asarray(ratios.numerator).astype(object) * denominator
    other = np.broadcast_to(np.asarray(ratios.denominator), wide.shape).astype(object) * numerator
    return (wide > other).astype(np.int64) - (wide < other).astype(np.int64)


def _greatest(numbers: Whole | int) -> int:
    return abs(numbers) if isinstance(numbers, int) else int(np.abs(numbers).max(initial=0))


class RulerColumn:
    """A ruler over columns.

    Attributes:
        sets: the band sets, as masks; the number of a set is its place here.
        unknown: of each set, whether more than one band is possible.
        known_band: of each set, its band where it is one; -1 else.
    """

    def __init__(self, ruler: Ruler) -> None:
        self.ruler = ruler
        feature = FEATURES[ruler.feature]
        self.sets = ruler.sets(feature)
        number_of = {mask: number for number, mask in enumerate(self.sets)}
        self._number_of = number_of
        self.unknown: Mask = np.array([bool(mask & (mask - 1)) for mask in self.sets], np.bool_)
        is_band = [bool(mask) and not mask & (mask - 1) for mask in self.sets]
        self.known_band: Whole = np.array(
            [mask.bit_length() - 1 if known else -1 for mask, known in zip(self.sets, is_band, strict=True)], np.int64
        )
        self.reference_set = number_of[1 << ruler.reference]
        self._full = number_of[ruler.full]
        self._not_applicable = number_of.get(NOT_APPLICABLE_MASK, self._full)
        self._of_choice: Whole = np.array(
            [number_of.get(ruler.choices.get(choice, ruler.full), self._full) for choice in feature.choices] or [0]
        )
        bands = ruler.numbers
        self._of_place: Whole = np.array([number_of[1 << band] for band in bands] or [0])
        self._of_stretch: Whole = np.array(
            [
                [number_of.get(mask_of(bands[low : high + 1]), self._full) for high in range(len(bands))]
                for low in range(len(bands))
            ]
            or [[0]]
        )

    def set_numbers(self, reading: ReadingColumn) -> Whole:
        """The set of every runner."""
        numbers = np.full(len(reading.kind), self._full)
        for kind, numbered in (
            (CHOICE, lambda: self._of_choice[_told(reading.choice)]),
            (NUMBER, lambda: self._of_place[self._places(_told(reading.number))]),
            (BETWEEN, lambda: self._stretches(reading)),
            (NOT_APPLICABLE, lambda: self._not_applicable),
        ):
            rows = reading.kind == kind
            if rows.any():
                numbers = np.where(rows, numbered(), numbers)
        return numbers

    def _places(self, ratios: RatioColumn) -> Whole:
        """The place of every number's band among the numeric bands."""
        places = np.zeros(len(ratios.numerator), np.int64)
        for edge in self.ruler.edges:
            sign = compare(ratios, edge.numerator, edge.denominator)
            # each higher edge is reached only by what reaches the lower ones
            places += (sign > 0) if edge.exclusive else (sign >= 0)
        return places

    def _stretches(self, reading: ReadingColumn) -> Whole:
        low, high = self._places(_told(reading.number)), _told(reading.high)
        endless = high.denominator == UNBOUNDED
        bounded = RatioColumn(high.numerator, np.where(endless, 1, high.denominator))
        last = np.where(endless, len(self.ruler.numbers) - 1, self._places(bounded))
        return self._of_stretch[low, np.maximum(low, last)]


Part = TypeVar("Part")


def _told(part: Part | None) -> Part:
    assert part is not None  # a reading of this kind has it
    return part


Need: TypeAlias = tuple[int, ...]
"""Numbers of the single conditions that must all hold."""


class ConditionColumns:
    """All single conditions of one rule set over columns, numbered; the twin of `Conditions`."""

    def __init__(self, rules: CompiledRuleSet, rulers: Sequence[RulerColumn]) -> None:
        self._rulers = rulers
        self._in_force = {
            (pair.factor.id, joint): pair.ruler
            for joint, tables in rules.joints.items()
            for pair in tables.pairs
            if not pair.excluded
        }
        self._numbers: dict[str, int] = {}
        self.tests: list[Test] = []

    def needs(self, conditions: Iterable[Condition]) -> tuple[Need, ...]:
        """What a list of conditions asks, any one of which will do."""
        return tuple(self._need(condition) for condition in conditions)

    def _need(self, condition: Condition) -> Need:
        if condition.all_ is not None:
            return tuple(number for part in condition.all_ for number in self._need(part))
        key = condition.model_dump_json()
        if key not in self._numbers:
            self._numbers[key] = len(self.tests)
            self.tests.append(self._test(condition))
        return (self._numbers[key],)

    def _test(self, condition: Condition) -> "Test":
        if condition.flag is not None:
            return _test_of_flag(condition.flag)
        if condition.feature is not None:
            return _test_of_choice(condition) if condition.is_ is not None else _test_of_range(condition)
        rulers = [
            ruler
            for joint in JOINTS
            if condition.joint in (None, joint)
            and (ruler := self._in_force.get((condition.factor or "", joint))) is not None
        ]
        inside: list[tuple[int, Mask]] = []
        for ruler in rulers:
            wanted = self._rulers[ruler].ruler.mask_of_labels(condition.in_ or ())
            sets = [bool(mask) and not mask & ~wanted for mask in self._rulers[ruler].sets]
            inside.append((ruler, np.array(sets, np.bool_)))

        def stands_inside(standing: ColumnStanding) -> Mask:
            found = standing.nowhere.copy()
            for ruler, sets in inside:
                found |= sets[standing.sets(ruler)]
            return found

        return stands_inside


def _test_of_flag(flag: str) -> "Test":
    return lambda standing: standing.flags.get(flag, standing.nowhere)


def _test_of_choice(condition: Condition) -> "Test":
    feature = condition.feature or ""
    choices = FEATURES[feature].choices
    wanted = np.array([choice in (condition.is_ or ()) for choice in choices] or [False], np.bool_)

    def is_one_of(standing: ColumnStanding) -> Mask:
        reading = standing.reading(feature)
        if reading.choice is None:
            return standing.nowhere
        chosen: Mask = wanted[reading.choice] & (reading.kind == CHOICE)
        return chosen

    return is_one_of


def _test_of_range(condition: Condition) -> "Test":
    feature = condition.feature or ""
    edges = [
        (*edge.as_integer_ratio(), signs)
        for edge, signs in (
            (condition.from_, (0, 1)),
            (condition.above, (1,)),
            (condition.below, (-1,)),
            (condition.to, (-1, 0)),
        )
        if edge is not None
    ]

    def is_in_range(standing: ColumnStanding) -> Mask:
        reading = standing.reading(feature)
        if reading.number is None:
            return standing.nowhere
        found = np.equal(reading.kind, NUMBER)
        for numerator, denominator, signs in edges:
            found = found & np.isin(compare(reading.number, numerator, denominator), signs)
        in_range: Mask = found
        return in_range

    return is_in_range


class ColumnStanding:
    """Many runners on all rulers, each worked out when it is first asked for.

    Attributes:
        flags: who has a flag raised, by its id; none until they are known.
        nowhere: a mask in which nobody is.
    """

    def __init__(self, facts: ColumnFacts, rulers: Sequence[RulerColumn], conditions: ConditionColumns) -> None:
        self.facts = facts
        self.nowhere: Mask = np.zeros(len(facts.has_log), np.bool_)
        self.flags: dict[str, Mask] = {}
        self._rulers = rulers
        self._conditions = conditions
        self._readings: dict[str, ReadingColumn] = {}
        self._sets: dict[int, Whole] = {}
        self._truths: dict[int, Mask] = {}

    def reading(self, feature: str) -> ReadingColumn:
        """The readings of a feature."""
        if feature not in self._readings:
            self._readings[feature] = COLUMN_FEATURES[feature](self.facts)
        return self._readings[feature]

    def sets(self, ruler: int) -> Whole:
        """The number of every runner's band set on a ruler."""
        if ruler not in self._sets:
            on = self._rulers[ruler]
            self._sets[ruler] = on.set_numbers(self.reading(on.ruler.feature))
        return self._sets[ruler]

    def holds(self, needs: Iterable[Need]) -> Mask:
        """Whether any one of these needs is met; with no needs, nobody's is."""
        found = self.nowhere
        for need in needs:
            met = self._truth(need[0])
            for number in need[1:]:
                met = met & self._truth(number)
            found = found | met
        return found

    def raise_flags(self, flags: dict[str, Mask]) -> None:
        """Makes known who has which flag raised; what was asked before was asked without them."""
        self.flags = flags
        self._truths.clear()

    def _truth(self, number: int) -> Mask:
        if number not in self._truths:
            self._truths[number] = self._conditions.tests[number](self)
        return self._truths[number]


Test: TypeAlias = Callable[[ColumnStanding], Mask]
