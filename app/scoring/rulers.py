"""A ruler turns a feature's reading into the set of bands that are still possible.

Sets of bands are bit masks: bit i stands for band i. One bit: the band is known. All bits: nothing is. Mask 0 says
that the feature does not apply to this runner, which counts as the reference band and as known.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import lcm
from typing import NamedTuple

from app.features import NOT_APPLICABLE, Feature, Reading
from app.scoring.rule_set import Band

NOT_APPLICABLE_MASK = 0


class Edge(NamedTuple):
    """Where a numeric band begins: at `numerator / denominator`, that number included unless `exclusive`."""

    numerator: int
    denominator: int
    exclusive: bool
    band: int


@dataclass(frozen=True, slots=True)
class Ruler:
    """Puts the readings of one feature into one list of bands.

    Attributes:
        feature: id of the feature.
        labels: how each band is written in an answer.
        reference: index of the reference band.
        edges: where each numeric band but the lowest begins, highest first.
        choices: mask of the band of each choice.
        numbers: indices of the numeric bands, lowest first.
        full: mask of all bands.
        number_masks: mask of each numeric band, lowest first.
        scale: the edges times this are whole numbers.
        marks: twice each of those, lowest first, and one more where the edge itself belongs to the band below. A
            number of this scale is twice its whole part, and one more where something follows, so that one search
            finds its band exactly, however many there are.
    """

    feature: str
    labels: tuple[str, ...]
    reference: int
    edges: tuple[Edge, ...]
    choices: dict[str, int]
    numbers: tuple[int, ...]
    full: int
    number_masks: tuple[int, ...]
    scale: int
    marks: tuple[int, ...]

    def mask(self, reading: Reading) -> int:
        """The bands that a reading leaves possible."""
        if isinstance(reading, tuple):  # as most are; `_step` in place: to call it costs as much as the search
            numerator, denominator = reading
            if not denominator:
                return self.number_masks[-1]
            whole, rest = divmod(numerator * self.scale, denominator)
            return self.number_masks[bisect_right(self.marks, 2 * whole + (rest > 0))]
        if reading is None:
            return self.full
        if reading is NOT_APPLICABLE:
            return NOT_APPLICABLE_MASK
        if isinstance(reading, str):
            return self.choices[reading]
        first = self._step(*reading.low)
        last = len(self.numbers) - 1 if reading.high is None else self._step(*reading.high)
        return mask_of(self.numbers[first : last + 1])

    def _step(self, numerator: int, denominator: int) -> int:
        """Which of the numeric bands a number stands in, counted from the lowest."""
        if not denominator:  # something over nothing: above every edge
            return len(self.numbers) - 1
        whole, rest = divmod(numerator * self.scale, denominator)
        return bisect_right(self.marks, 2 * whole + (rest > 0))

    def mask_of_labels(self, names: Iterable[str]) -> int:
        """The mask of bands named by label, by 'reference', or by 'raised' (all but the reference).

        Raises:
            ValueError: a name is no label of this ruler.
        """
        mask = 0
        for name in names:
            if name == "reference":
                mask |= 1 << self.reference
            elif name == "raised":
                mask |= self.full & ~(1 << self.reference)
            else:
                mask |= 1 << self.labels.index(name)
        return mask

    def sets(self, feature: Feature) -> list[int]:
        """Every mask that a reading of the feature can give: one band each first, the full set last."""
        known = [1 << band for band in range(len(self.labels))]
        partial: list[int] = []
        if feature.partly_known:
            count = len(self.numbers)
            partial = [mask_of(self.numbers[i:j]) for i in range(count) for j in range(i + 2, count + 1)]
        nothing = [NOT_APPLICABLE_MASK] if feature.may_not_apply else []
        return list(dict.fromkeys([*known, *nothing, *partial, self.full]))


def mask_of(bands: Iterable[int]) -> int:
    """The mask with these bands.

    >>> mask_of([0, 2])
    5
    """
    mask = 0
    for band in bands:
        mask |= 1 << band
    return mask


def bands_in(mask: int) -> list[int]:
    """The bands of a mask, lowest first.

    >>> bands_in(5)
    [0, 2]
    """
    return [band for band in range(mask.bit_length()) if mask >> band & 1]


def edge_of(band: Band) -> Decimal | None:
    """The number at which a band begins; None for a band of choices alone."""
    return band.above if band.above is not None else band.from_


def print_edge(edge: Decimal, *, decimals: int) -> str:
    """An edge as it is written in labels: with two decimals for ratios, as short as it can be for the rest.

    >>> print_edge(Decimal("1.1"), decimals=2), print_edge(Decimal("7.0"), decimals=1)
    ('1.10', '7')
    """
    shortest = format(edge.normalize(), "f")
    written = len(shortest.partition(".")[2])
    if decimals < 2 or written >= decimals:
        return shortest
    return f"{edge:.{decimals}f}"


def label_bands(bands: Sequence[Band], *, decimals: int) -> tuple[str, ...]:
    """How each band is written in an answer, in the order of the bands.

    The first numeric band is named by where it ends, the others by where they begin: "≤ 1.10", "> 1.10", "> 2.00".
    """
    numeric = [index for index, band in enumerate(bands) if edge_of(band) is not None]
    labels: list[str] = []
    for index, band in enumerate(bands):
        parts: list[str] = []
        edge = edge_of(band)
        if edge is not None:
            follows = numeric.index(index) + 1
            if index != numeric[0] or len(numeric) == 1:
                parts.append(f"{'>' if band.above is not None else '≥'} {print_edge(edge, decimals=decimals)}")
            else:
                after = bands[numeric[follows]]
                end = edge_of(after) or Decimal(0)
                parts.append(f"{'≤' if after.above is not None else '<'} {print_edge(end, decimals=decimals)}")
        if band.is_ is not None:
            parts.append(", ".join(band.is_))
        labels.append(" or ".join(parts))
    return tuple(labels)


def make_ruler(feature: Feature, bands: Sequence[Band]) -> Ruler:
    """A ruler of one feature over bands that `document_faults` finds nothing in."""
    edges: list[Edge] = []
    choices: dict[str, int] = {}
    for index, band in enumerate(bands):
        begins = edge_of(band)
        if begins is not None:
            numerator, denominator = begins.as_integer_ratio()
            edges.append(Edge(numerator, denominator, band.above is not None, index))
        for choice in band.is_ or ():
            choices[choice] = 1 << index
    reference = next(index for index, band in enumerate(bands) if band.reference)
    scale = lcm(*(edge.denominator for edge in edges))
    return Ruler(
        feature.id,
        label_bands(bands, decimals=feature.decimals),
        reference,
        tuple(reversed(edges[1:])),
        choices,
        tuple(edge.band for edge in edges),
        (1 << len(bands)) - 1,
        tuple(1 << edge.band for edge in edges),
        scale,
        tuple(2 * edge.numerator * (scale // edge.denominator) + edge.exclusive for edge in edges[1:]),
    )
