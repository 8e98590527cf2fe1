"""Bands of a factor: what they are called, which of them a reading leaves possible, and what they are worth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, TypeAlias

from tests.oracle.kinds import Between, Choice, Infinity, Mark, Number, Quantity, Reading

Band: TypeAlias = Mapping[str, Any]
GRADE_RANK: Final = {None: 0, "very_low": 1, "low": 2, "moderate": 3, "high": 4}
WHOLE: Final = Decimal(1)


def hundredths(points: float) -> int:
    """The one place where points are rounded: to whole hundredths, half to even."""
    return int((Decimal(points) * 100).quantize(WHOLE, rounding=ROUND_HALF_EVEN))


def exact(number: Any) -> Fraction:
    """A number of the document as its author wrote it: 1.1 is eleven tenths."""
    return Fraction(Decimal(repr(number))) if isinstance(number, float) else Fraction(number)


def effects_of(band: Band) -> list[Band]:
    """The published effects a band rests on, whether they stand in a list or in the band itself."""
    return [*band.get("effects", []), *([band] if "ratio" in band else [])]


@dataclass(frozen=True)
class Pair:
    """A factor as it acts on one joint."""

    factor: Mapping[str, Any]
    joint: str
    decimals: Mapping[str, int]

    @cached_property
    def id(self) -> str:
        """The factor's id."""
        return str(self.factor["id"])

    @cached_property
    def own(self) -> Mapping[str, Any]:
        """What the factor says of this joint."""
        joint: Mapping[str, Any] = self.factor["joints"][self.joint]
        return joint

    @cached_property
    def feature(self) -> str:
        """The feature read for this joint."""
        return str(self.own.get("feature") or self.factor["feature"])

    @cached_property
    def bands(self) -> list[Band]:
        """The bands that hold for this joint."""
        return list(self.own.get("bands") or self.factor["bands"])

    @cached_property
    def labels(self) -> list[str]:
        """What each band is called on the wire."""
        return [label_of(self.bands, place, self.decimals[self.feature]) for place in range(len(self.bands))]

    @cached_property
    def reference(self) -> int:
        """Where the reference band stands."""
        return next(place for place, band in enumerate(self.bands) if band.get("reference"))

    @cached_property
    def shares(self) -> list[float]:
        """How common each band is."""
        return [float(band["share"]) for band in self.bands]

    def weight(self, effect: Band) -> float:
        """How far an effect is trusted for this joint."""
        return float(effect.get("weights", {}).get(self.joint, self.own["weight"]))

    def logarithm(self, effect: Band, end: str) -> float:
        """The weighted doublings of an effect's ratio or of an end of its interval."""
        return self.weight(effect) * int(effect.get("power", 1)) * math.log2(float(effect[end]))

    @cached_property
    def points(self) -> list[int]:
        """Hundredths of points of each band: each effect's are rounded, then added."""
        return [
            sum(hundredths(25 * self.logarithm(effect, "ratio")) for effect in effects_of(band)) for band in self.bands
        ]

    def variance(self, band: int) -> float:
        """The squared standard error of a band on the scale of doublings, its effects in quadrature."""
        widths = [
            self.logarithm(effect, "high") - self.logarithm(effect, "low") for effect in effects_of(self.bands[band])
        ]
        return math.fsum((width / 3.92) ** 2 for width in widths)

    @cached_property
    def is_weightless(self) -> bool:
        """Whether nothing of the factor counts for this joint."""
        weights = [self.weight(effect) for band in self.bands for effect in effects_of(band)]
        return all(weight == 0 for weight in [float(self.own["weight"]), *weights])

    def below(self, min_evidence: str | None) -> bool:
        """Whether the evidence is weaker than what was asked for."""
        return min_evidence is not None and GRADE_RANK[self.own["grade"]] < GRADE_RANK[min_evidence]


def lies_past(edge: Fraction, band: Band, quantity: Quantity) -> bool:
    """Whether a quantity has reached a band's lower edge: `from` is reached by being equal, `above` is not."""
    if isinstance(quantity, Infinity):
        return True
    return quantity >= edge if "from" in band else quantity > edge


def band_of_quantity(bands: list[Band], quantity: Quantity) -> int:
    """The last numeric band whose lower edge the quantity has passed."""
    numeric = [place for place, band in enumerate(bands) if "from" in band or "above" in band]
    passed = [
        place
        for place in numeric
        if lies_past(exact(bands[place].get("from", bands[place].get("above"))), bands[place], quantity)
    ]
    return passed[-1]


def band_of_choice(bands: list[Band], name: str) -> int:
    """The band that names the choice."""

    def names(band: Band) -> list[str]:
        given = band.get("is", [])
        return list(given) if isinstance(given, list) else [given]

    return next(place for place, band in enumerate(bands) if name in names(band))


def possible_bands(bands: list[Band], reading: Reading) -> frozenset[int]:
    """Every band that the reading leaves possible; `not_applicable` has none."""
    match reading:
        case Number(quantity):
            return frozenset({band_of_quantity(bands, quantity)})
        case Choice(name):
            return frozenset({band_of_choice(bands, name)})
        case Between(low, high):
            numeric = range(band_of_quantity(bands, low), band_of_quantity(bands, high) + 1)
            return frozenset(place for place in numeric if "from" in bands[place] or "above" in bands[place])
        case Mark(kind):
            return frozenset(range(len(bands))) if kind == "unknown" else frozenset()


def shown(number: Any, decimals: int) -> str:
    """An edge as it is printed: with the feature's decimals where it needs them."""
    value = Decimal(str(number))
    if decimals < 2 and value == value.to_integral_value():
        return str(int(value))
    return f"{value:.{decimals}f}"


def label_of(bands: list[Band], place: int, decimals: int) -> str:
    """What a band is called on the wire."""
    band = bands[place]
    given = band.get("is")
    choices = "" if given is None else ", ".join(given if isinstance(given, list) else [given])
    if "above" in band:
        edge = f"> {shown(band['above'], decimals)}"
    elif "from" in band and place > 0:
        edge = f"≥ {shown(band['from'], decimals)}"
    elif "from" in band:
        after = bands[1] if len(bands) > 1 else {}
        if "from" in after:
            edge = f"< {shown(after['from'], decimals)}"
        elif "above" in after:
            edge = f"≤ {shown(after['above'], decimals)}"
        else:
            edge = f"≥ {shown(band['from'], decimals)}"
    else:
        return choices
    return f"{edge} or {choices}" if choices else edge
