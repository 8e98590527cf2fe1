"""From a rule-set document and readings to points, ranges and scores, by trying every completion.

Slow and obvious on purpose: the design's section 3 and 3a read once more, with no table compiled ahead. Points are
whole hundredths from the moment they are made.
"""

import itertools
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, TypeAlias

from tests.oracle.bands import Pair, exact, hundredths, possible_bands
from tests.oracle.kinds import Reading

Document: TypeAlias = Mapping[str, Any]
JOINTS: Final = ("knee", "lower_back")


@dataclass(frozen=True)
class Entry:
    """What a group is worth in hundredths: expected, and the least and the most that its unknowns still allow."""

    expected: int
    low: int
    high: int


@dataclass(frozen=True)
class Group:
    """Factors that share a signal for a joint: the most extreme member counts."""

    id: str
    members: tuple[Pair, ...]

    @cached_property
    def entries(self) -> dict[tuple[frozenset[int], ...], Entry]:
        """What was worked out before."""
        return {}

    @cached_property
    def is_protective(self) -> bool:
        """Whether every effect of every member takes points away."""
        return all(points <= 0 for pair in self.members for points in pair.points)

    def extreme(self, points: list[int]) -> int:
        """The most points where they are a burden, the fewest where they protect; no member is no points."""
        return (min if self.is_protective else max)(points, default=0)

    def completions(self, masks: tuple[frozenset[int], ...]) -> list[tuple[float, int]]:
        """Every way the unknowns can turn out: how likely by the shares, and what the group is worth then."""
        # What does not apply to a runner counts as the reference band.
        open_to = [sorted(mask) or [pair.reference] for pair, mask in zip(self.members, masks, strict=True)]
        total = [
            math.fsum(pair.shares[band] for band in bands) for pair, bands in zip(self.members, open_to, strict=True)
        ]
        ways = []
        for chosen in itertools.product(*open_to):
            odds = math.prod(
                1.0 if len(bands) == 1 else pair.shares[band] / whole
                for pair, band, bands, whole in zip(self.members, chosen, open_to, total, strict=True)
            )
            ways.append(
                (odds, self.extreme([pair.points[band] for pair, band in zip(self.members, chosen, strict=True)]))
            )
        return ways

    def entry(self, masks: tuple[frozenset[int], ...]) -> Entry:
        """The group's worth with each member's possible bands."""
        if masks not in self.entries:
            ways = self.completions(masks)
            worths = [worth for _, worth in ways]
            if len(ways) == 1:
                expected = worths[0]
            else:
                expected = hundredths(25 * math.log2(math.fsum(odds * 2.0 ** (worth / 2500) for odds, worth in ways)))
            self.entries[masks] = Entry(expected, min(worths), max(worths))
        return self.entries[masks]

    @cached_property
    def all_unknown(self) -> Entry:
        """The group's worth when nothing is known."""
        return self.entry(tuple(frozenset(range(len(pair.bands))) for pair in self.members))

    def carried(self, masks: tuple[frozenset[int], ...]) -> list[tuple[str, int]]:
        """Who of the group carries which points, and what each member's status is."""
        # In document order: the first known member at the extreme carries it; the k-th unknown carries what it adds.
        at_reference = tuple(frozenset({pair.reference}) for pair in self.members)
        known = [len(mask) == 1 for mask in masks]
        so_far = [mask if is_known else rest for mask, is_known, rest in zip(masks, known, at_reference, strict=True)]
        top = self.entry(tuple(so_far)).expected
        carrier_found = False
        answer: list[tuple[str, int]] = []
        for place, (pair, mask) in enumerate(zip(self.members, masks, strict=True)):
            if not mask:
                answer.append(("not_applicable", 0))
            elif len(mask) > 1:
                before = self.entry(tuple(so_far)).expected
                so_far[place] = mask
                answer.append(("unknown", self.entry(tuple(so_far)).expected - before))
            elif mask == {pair.reference}:
                answer.append(("reference", 0))
            elif not carrier_found and pair.points[min(mask)] == top:
                carrier_found = True
                answer.append(("applied", top))
            else:
                answer.append(("shadowed", 0))
        return answer


@dataclass(frozen=True)
class Contribution:
    """One line of a joint's reasons."""

    factor: str
    status: str
    points: int
    points_alone: int | None
    band: str | None


@dataclass(frozen=True)
class JointScore:
    """A joint as it would be scored; flags are not looked at here."""

    base: int
    contributions: tuple[Contribution, ...]
    raw: int
    low: int
    high: int
    full_span: int
    variance: float
    weak_points: int
    applied_points: int

    @property
    def clipped(self) -> int:
        """The hundredths kept on the scale."""
        return clip(self.raw)

    @property
    def score(self) -> int:
        """The printed score."""
        return printed(self.raw)

    @property
    def score_range(self) -> tuple[int, int]:
        """The printed range."""
        return printed(self.low), printed(self.high)

    @property
    def known_share(self) -> Fraction:
        """How much of the possible span is known."""
        return 1 - Fraction(self.high - self.low, self.full_span)

    @property
    def relative_risk(self) -> tuple[float, float, float]:
        """The estimate, and the lower and upper end of its interval, unrounded."""
        estimate = 2.0 ** ((self.clipped - 5000) / 2500)
        reach = 2.0 ** (1.96 * math.sqrt(self.variance))
        return estimate, estimate / reach, estimate * reach


def clip(total: int) -> int:
    """Kept between 0 and 100 points."""
    return min(10_000, max(0, total))


def printed(total: int) -> int:
    """Hundredths as they are printed: clipped, and a half goes up."""
    return (clip(total) + 50) // 100


class Oracle:
    """All that one document says, with the weaker evidence left out where that was asked for."""

    def __init__(self, document: Document, *, decimals: Mapping[str, int], min_evidence: str | None = None) -> None:
        self.document = document
        self.pairs: dict[str, list[Pair]] = {
            joint: [Pair(factor, joint, decimals) for factor in document["factors"] if joint in factor["joints"]]
            for joint in JOINTS
        }
        self.excluded = {
            (joint, pair.id)
            for joint in JOINTS
            for pair in self.pairs[joint]
            if pair.is_weightless or pair.below(min_evidence)
        }
        self.groups: dict[str, list[Group]] = {}
        for joint in JOINTS:
            members: dict[str, list[Pair]] = {}
            for pair in self.pairs[joint]:
                if (joint, pair.id) not in self.excluded:
                    members.setdefault(pair.factor["group"], []).append(pair)
            self.groups[joint] = [Group(name, tuple(pairs)) for name, pairs in members.items()]

    def base(self, joint: str) -> int:
        """The score of a joint with every factor in its reference band, in hundredths."""
        return 5000 - sum(group.all_unknown.expected for group in self.groups[joint])

    def masks(self, readings: Mapping[str, Reading], joint: str) -> dict[str, frozenset[int]]:
        """The possible bands of every factor of a joint."""
        return {pair.id: possible_bands(pair.bands, readings[pair.feature]) for pair in self.pairs[joint]}

    def total(self, joint: str, masks: Mapping[str, frozenset[int]]) -> Entry:
        """The base and every group's worth, before clipping."""
        worths = [group.entry(tuple(masks[pair.id] for pair in group.members)) for group in self.groups[joint]]
        return Entry(
            expected=self.base(joint) + sum(worth.expected for worth in worths),
            low=self.base(joint) + sum(worth.low for worth in worths),
            high=self.base(joint) + sum(worth.high for worth in worths),
        )

    def score_joint(self, joint: str, masks: Mapping[str, frozenset[int]]) -> JointScore:
        """A joint's points and range, from the possible bands of each of its factors."""
        total = self.total(joint, masks)
        lines: dict[str, tuple[str, int]] = {}
        for group in self.groups[joint]:
            own = tuple(masks[pair.id] for pair in group.members)
            lines |= dict(zip([pair.id for pair in group.members], group.carried(own), strict=True))
        contributions, applied = [], []
        for pair in self.pairs[joint]:
            status, points = lines.get(pair.id, ("excluded", 0))
            mask = masks[pair.id]
            band = min(mask) if len(mask) == 1 else None
            alone = None if len(mask) > 1 else 0 if band is None else pair.points[band]
            label = None if band is None else pair.labels[band]
            contributions.append(Contribution(pair.id, status, points, alone, label))
            if status == "applied" and band is not None:
                applied.append((pair, band, points))
        return JointScore(
            base=self.base(joint),
            contributions=tuple(contributions),
            raw=total.expected,
            low=total.low,
            high=total.high,
            full_span=sum(group.all_unknown.high - group.all_unknown.low for group in self.groups[joint]),
            variance=math.fsum(pair.variance(band) for pair, band, _ in applied),
            weak_points=sum(abs(points) for pair, _, points in applied if pair.own["grade"] == "very_low"),
            applied_points=sum(abs(points) for _, _, points in applied),
        )

    def level(self, score: int) -> str:
        """The name of the stretch of the scale that a printed score lies in."""
        return [str(cut["id"]) for cut in self.document["levels"]["cuts"] if cut["from"] <= score][-1]

    def is_known_enough(self, joint: JointScore) -> bool:
        """Whether enough is known for a score to be given."""
        return joint.known_share >= exact(self.document["levels"]["known_share_floor"])

    def narrowing(self, joint: str, masks: Mapping[str, frozenset[int]], features: Collection[str]) -> int:
        """By how much a joint's range would shrink if the factors reading these features stood at reference."""
        known = {pair.id: frozenset({pair.reference}) for pair in self.pairs[joint] if pair.feature in features}
        now, then = self.total(joint, masks), self.total(joint, {**masks, **known})
        return (now.high - now.low) - (then.high - then.low)

    def counts(self, factors: Collection[str], joint: str) -> bool:
        """Whether any of the factors weighs anything for the joint."""
        return any(pair.id in factors for group in self.groups[joint] for pair in group.members)

    def but_for(self, joint: str, masks: Mapping[str, frozenset[int]], sets: Mapping[str, str]) -> int:
        """The hundredths of a runner like this one but for a habit: the bands an advice sets in place of the own."""
        changed = {
            pair.id: frozenset({pair.reference if sets[pair.id] == "reference" else pair.labels.index(sets[pair.id])})
            for pair in self.pairs[joint]
            if pair.id in sets
        }
        return self.total(joint, {**masks, **changed}).expected
