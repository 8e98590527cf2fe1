"""Where a rule set cuts its features, and which numbers stand on every side of the cuts."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from app.scoring.rule_set import Condition, RuleSetDocument
from app.scoring.rulers import edge_of


def cuts_of(document: RuleSetDocument) -> dict[str, list[Fraction]]:
    """For each feature, rising, every number at which a band or a condition of the document begins or ends."""
    cuts: dict[str, set[Fraction]] = {}
    for factor in document.factors:
        for joint in factor.joints:
            edges = (edge_of(band) for band in factor.bands_of(joint))
            cuts.setdefault(factor.feature_of(joint), set()).update(
                Fraction(edge) for edge in edges if edge is not None
            )
    for condition in every_condition(document):
        if condition.feature is not None:
            ends = (condition.from_, condition.above, condition.below, condition.to)
            cuts.setdefault(condition.feature, set()).update(Fraction(end) for end in ends if end is not None)
    return {feature: sorted(found) for feature, found in cuts.items()}


def every_condition(document: RuleSetDocument) -> Iterator[Condition]:
    """Every condition of the document, those inside `all` included."""
    for advice in document.advice:
        yield from parts_of((*advice.when, *advice.not_when))
    for flag in document.flags:
        yield from parts_of(flag.when)
    for benefit in document.benefits:
        yield from parts_of(benefit.when)


def parts_of(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """These conditions and, inside each, those of its `all`."""
    for condition in conditions:
        yield condition
        yield from parts_of(condition.all_ or ())


def probe_numbers(cuts: Sequence[Fraction], *, lowest: Fraction, highest: Fraction, step: Fraction) -> list[Fraction]:
    """Numbers between every two cuts, on each cut, and one step to both sides of it; the plainest first.

    Args:
        cuts: rising.
        lowest, highest: no number lies outside these.
        step: the least difference that can be told; every number is a multiple of it.

    >>> probed = probe_numbers([Fraction(7)], lowest=Fraction(0), highest=Fraction(24), step=Fraction(1))
    >>> [str(number) for number in probed]
    ['5', '9', '7', '6', '8', '0', '24']
    """
    inside = [cut for cut in cuts if lowest < cut < highest]
    between = [(low + high) / 2 for low, high in pairwise(inside)]
    if inside:  # near the outermost cuts, where people are, and not half-way to the end of what can be written
        between = [
            lowest + (inside[0] - lowest) * 3 / 4,
            *between,
            min(_at_or_above(inside[-1] * 5 / 4, step), highest),
        ]
    else:
        between = [(lowest + highest) / 2]
    beside = [number for cut in inside for number in (cut, cut - step, cut + step)]
    numbers = [_at_or_below(number, step) for number in (*between, *beside, lowest, highest)]
    return list(dict.fromkeys(number for number in numbers if lowest <= number <= highest))


def write_number(number: Fraction) -> int | float:
    """A number as it is written in JSON: whole where it is whole, to the thousandth where it is not.

    >>> write_number(Fraction(7)), write_number(Fraction(13, 2))
    (7, 6.5)
    """
    return int(number) if number.denominator == 1 else round(float(number), 3)


def _at_or_below(number: Fraction, step: Fraction) -> Fraction:
    """The multiple of a step at or below a number."""
    return number // step * step


def _at_or_above(number: Fraction, step: Fraction) -> Fraction:
    """The multiple of a step at or above a number."""
    return -(-number // step) * step
