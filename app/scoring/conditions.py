"""Conditions of the rule set, numbered: every one that holds for a runner is a bit, so that asking is a comparison.

An unknown makes a condition false: advice is given for what is known, and what is known silences it.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from app.features import Reading
from app.runners import JOINTS
from app.scoring.compiled import JointTables
from app.scoring.rule_set import Condition, Flag, RuleSetDocument
from app.scoring.rulers import Ruler


class Need(NamedTuple):
    """One condition of a `when`: the bits that must all be set, and the ids that `because` then names."""

    bits: int
    causes: tuple[str, ...]


class Conditions:
    """All single conditions of one rule set, each with its bit.

    A factor's bands count where the factor is in force: one that the least evidence leaves out calls for nothing.
    """

    def __init__(self, document: RuleSetDocument, rulers: Sequence[Ruler], joints: Iterable[JointTables]) -> None:
        self._rulers = rulers
        self._in_force = {
            (pair.factor.id, pair.joint): pair.ruler for tables in joints for pair in tables.pairs if not pair.excluded
        }
        self._bits: dict[str, int] = {}
        self._of_ruler: dict[int, list[tuple[int, int]]] = {}
        self._of_feature: dict[str, list[tuple[Callable[[Reading], bool], int]]] = {}
        self._of_flag: dict[str, int] = {}
        for conditions in (
            *(flag.when for flag in document.flags),
            *(advice.when for advice in document.advice),
            *(advice.not_when for advice in document.advice),
            *(benefit.when for benefit in document.benefits),
        ):
            self.needs(conditions)

    def needs(self, conditions: Iterable[Condition]) -> tuple[Need, ...]:
        """What a list of conditions, any one of which will do, asks of a runner's bits."""
        return tuple(Need(self._all_bits(condition), _causes(condition)) for condition in conditions)

    @property
    def features(self) -> list[str]:
        """The features that conditions read by themselves, besides the factors' own."""
        return list(self._of_feature)

    def bits_of_band(self, ruler: int, mask: int) -> int:
        """The conditions on factors that hold when this ruler stands in these bands."""
        bits = 0
        for bit, outside in self._of_ruler.get(ruler, ()):
            if mask and not mask & outside:
                bits |= bit
        return bits

    def bits_of_reading(self, feature: str, reading: Reading) -> int:
        """The conditions on this feature that hold for this reading."""
        bits = 0
        for holds, bit in self._of_feature.get(feature, ()):
            if holds(reading):
                bits |= bit
        return bits

    def bits_of_flags(self, flags: Iterable[Flag]) -> int:
        """The conditions that hold because these flags are raised."""
        bits = 0
        for flag in flags:
            bits |= self._of_flag.get(flag.id, 0)
        return bits

    def _all_bits(self, condition: Condition) -> int:
        if condition.all_ is None:
            return self._bit(condition)
        bits = 0
        for part in condition.all_:
            bits |= self._all_bits(part)
        return bits

    def _bit(self, condition: Condition) -> int:
        key = condition.model_dump_json()
        if key not in self._bits:
            bit = self._bits[key] = 1 << len(self._bits)
            self._note(condition, bit)
        return self._bits[key]

    def _note(self, condition: Condition, bit: int) -> None:
        if condition.flag is not None:
            self._of_flag[condition.flag] = self._of_flag.get(condition.flag, 0) | bit
        elif condition.feature is not None:
            self._of_feature.setdefault(condition.feature, []).append((_test_of(condition), bit))
        else:
            for joint in JOINTS:
                ruler = self._in_force.get((condition.factor or "", joint))
                if ruler is not None and condition.joint in (None, joint):
                    outside = ~self._rulers[ruler].mask_of_labels(condition.in_ or ())
                    self._of_ruler.setdefault(ruler, []).append((bit, outside))


def _test_of(condition: Condition) -> Callable[[Reading], bool]:
    if condition.is_ is not None:
        return frozenset(condition.is_).__contains__
    edges = [
        (*edge.as_integer_ratio(), compare)
        for edge, compare in (
            (condition.from_, operator.ge),
            (condition.above, operator.gt),
            (condition.below, operator.lt),
            (condition.to, operator.le),
        )
        if edge is not None
    ]

    def is_in_range(reading: Reading) -> bool:
        if not isinstance(reading, tuple):
            return False
        numerator, denominator = reading
        return all(compare(numerator * under, over * denominator) for over, under, compare in edges)

    return is_in_range


def _causes(condition: Condition) -> tuple[str, ...]:
    if condition.all_ is not None:
        return tuple(dict.fromkeys(cause for part in condition.all_ for cause in _causes(part)))
    return (condition.factor or condition.flag or condition.feature or "",)
