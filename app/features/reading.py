"""What a feature can answer, and what a feature is.

A reading is one of five things, and what happens to an unknown is said here, never implied:

* `(numerator, denominator)`: a number, kept as two integers so that every evaluator compares it alike. A denominator
  of 0 stands beyond every edge (running after four weeks without any); none over none is `(0, 1)`.
* a string: one of the feature's choices.
* `Between(low, high)`: the number lies somewhere in there, ends included; `high` may be None (no upper bound).
* `NOT_APPLICABLE`: the question does not arise for this runner; it counts as the reference band and as known.
* `None`: unknown. Any band is possible.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from app.features.facts import Facts

Ratio: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Between:
    """A number known only to lie between two ends, both included; no `high` means no upper bound."""

    low: Ratio
    high: Ratio | None


class Applicability(Enum):
    """One member: the reading of a feature that does not apply to this runner."""

    NOT_APPLICABLE = "not_applicable"

    def __repr__(self) -> str:
        return "NOT_APPLICABLE"


NOT_APPLICABLE: Final = Applicability.NOT_APPLICABLE

Reading: TypeAlias = Ratio | str | Between | Literal[Applicability.NOT_APPLICABLE] | None
Derive: TypeAlias = Callable[[Facts], Reading]


@dataclass(frozen=True, slots=True)
class Feature:
    """A pure function of a runner's facts, with what a rule author and a form need to know of it.

    Attributes:
        id: stable for ever; a change that alters any answer gets a new id.
        title: what it is, in one line.
        unit: "1" for a ratio, "choice" for choices.
        derive: from facts to a reading.
        inputs: JSON Pointers of the request fields it reads, in the order in which to ask for them.
        source: where the definition comes from.
        history_days: how many days of training before `as_of` it needs; 0 for the profile.
        lowest, highest: range of its numbers; `highest` None means unbounded.
        decimals: with how many decimals an edge is printed at least.
        choices: what it can answer besides a number, from best to worst where there is an order.
        partly_known: whether it can answer `Between`, so that tables hold rows for sets of bands.
        may_not_apply: whether it can answer `NOT_APPLICABLE`.
    """

    id: str
    title: str
    unit: str
    derive: Derive
    inputs: tuple[str, ...]
    source: str
    history_days: int = 0
    lowest: int = 0
    highest: int | None = None
    decimals: int = 0
    choices: tuple[str, ...] = ()
    partly_known: bool = False
    may_not_apply: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it can answer a number (a feature may answer a number or a choice)."""
        return self.unit != "choice"
