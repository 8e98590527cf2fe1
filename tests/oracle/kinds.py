"""What can be known of a feature: a number, where a number lies, a choice, nothing, or that it does not apply."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

Json: TypeAlias = Any
Wire: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True)
class Infinity:
    """A ratio over nothing run before: above every edge."""


INFINITY: Final = Infinity()
Quantity: TypeAlias = Fraction | Infinity


def is_above(quantity: Quantity, other: Quantity) -> bool:
    """Whether the first is greater than the second; infinity is greater than all but itself."""
    if isinstance(quantity, Infinity):
        return not isinstance(other, Infinity)
    return not isinstance(other, Infinity) and quantity > other


def greatest(quantities: list[Quantity]) -> Quantity:
    """The greatest of some; 0 of none."""
    top: Quantity = Fraction(0)
    for quantity in quantities:
        top = quantity if is_above(quantity, top) else top
    return top


@dataclass(frozen=True)
class Number:
    """A number that is known."""

    quantity: Quantity


@dataclass(frozen=True)
class Between:
    """A number of which only the ends of where it can lie are known, both ends included."""

    low: Quantity
    high: Quantity


@dataclass(frozen=True)
class Choice:
    """A named choice that is known."""

    name: str


@dataclass(frozen=True)
class Mark:
    """Either nothing is known, or the feature does not speak of this runner."""

    kind: Literal["unknown", "not_applicable"]


UNKNOWN: Final = Mark("unknown")
NOT_APPLICABLE: Final = Mark("not_applicable")
Reading: TypeAlias = Number | Between | Choice | Mark


def thousandths(given: float | None) -> int | None:
    """Kilometres to metres, metres to millimetres, seconds to milliseconds, kilograms to grams: half to even."""
    return None if given is None else round(given * 1000)


def measured(given: float | None) -> Reading:
    """A number held in whole thousandths of its unit."""
    whole = thousandths(given)
    return UNKNOWN if whole is None else Number(Fraction(whole, 1000))
