"""From a rule set to integer tables: after compiling, a score is look-ups and additions.

A group table holds, for every combination of its members' band sets, what the group is worth in hundredths of a point,
the lowest and highest it could still turn out to be, and how the points are told apart among its members. Rounding
(half to even, to hundredths) happens here alone: once for the points of each effect, and once for each table entry
made of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from math import fsum, log2, prod
from typing import Literal, NamedTuple

from app.features import FEATURES
from app.runners import JOINTS, JointId
from app.scoring.rule_set import GRADE_RANK, Band, Effect, Factor, FactorJoint, Grade, RuleSetDocument
from app.scoring.rulers import NOT_APPLICABLE_MASK, Ruler, bands_in, make_ruler

MinEvidence = Literal["low", "moderate"]
Status = Literal["applied", "reference", "shadowed", "unknown", "not_applicable", "excluded"]

POINTS_PER_DOUBLING = 25
AVERAGE_HUNDREDTHS = 5_000
WIDTH_OF_95 = 3.92
"""Width of a 95 % interval in standard errors."""


class Share(NamedTuple):
    """What one member of a group shows in the answer for one combination of bands."""

    status: Status
    points: int
    points_alone: int | None


class Entry(NamedTuple):
    """One combination of a group's band sets.

    Attributes:
        points: the group's worth, hundredths of a point.
        low, high: the least and the most it can still be worth.
        shares: one for each member, in document order.
        variance: squared standard error of the applied member, in log2 of the risk.
        applied: hundredths, without sign, that the applied member carries.
        weak: those of them that rest on very_low evidence.
    """

    points: int
    low: int
    high: int
    shares: tuple[Share, ...]
    variance: float
    applied: int
    weak: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A factor as it acts on one joint.

    Attributes:
        ruler: index of its ruler in the rule set.
        band_points: hundredths of a point of each band alone, the sum of its effects, each rounded half to even.
        band_variances: squared standard error of each band, in log2 of the risk.
        excluded: whether it weighs nothing, or its evidence is below the least that was asked for.
    """

    factor: Factor
    joint: JointId
    grade: Grade | None
    weight: Decimal
    bands: tuple[Band, ...]
    ruler: int
    band_points: tuple[int, ...]
    band_variances: tuple[float, ...]
    excluded: bool


class Member(NamedTuple):
    """A pair in its group's table.

    Attributes:
        position: its place among the joint's pairs.
        offsets: for each mask of its ruler, what that row adds to the index of the entry.
    """

    pair: Pair
    position: int
    offsets: dict[int, int]


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Members that share a signal, and the worth of every combination of their bands."""

    id: str
    members: tuple[Member, ...]
    entries: tuple[Entry, ...]
    steps: tuple[tuple[int, dict[int, int]], ...]
    """Ruler and offsets of each member, side by side for the look-up."""

    def index(self, masks: Sequence[int]) -> int:
        """Which entry these masks (one for each ruler of the rule set) select."""
        index = 0
        for ruler, offsets in self.steps:
            index += offsets[masks[ruler]]
        return index

    def masks(self, index: int) -> list[int]:
        """The members' masks that select an entry: the inverse of `index`."""
        masks: list[int] = []
        for member in self.members:
            row = max((offset for offset in member.offsets.values() if offset <= index), default=0)
            masks.append(next(mask for mask, offset in member.offsets.items() if offset == row))
            index -= row
        return masks


@dataclass(frozen=True, slots=True)
class JointTables:
    """All that scores one joint.

    Attributes:
        pairs: in document order, as the contributions are listed.
        base: hundredths of a point with every factor in its reference band.
        full_span: high minus low with everything unknown.
        excluded: position and ruler of each pair that is in no group.
    """

    joint: JointId
    pairs: tuple[Pair, ...]
    groups: tuple[GroupTable, ...]
    base: int
    full_span: int
    excluded: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CompiledRuleSet:
    """A rule set ready to score: immutable in meaning, and shared by every evaluator.

    Attributes:
        rulers: one for each distinct (feature, bands); masks are listed in their order.
        known_share_floor: numerator and denominator.
        level_of: the level of every printed score, 0 to 100.
        carried: what a neighbour derives once per rule set and keeps with it (conditions, fragments of answers).
    """

    version: str
    digest: str
    document: RuleSetDocument
    min_evidence: MinEvidence | None
    rulers: tuple[Ruler, ...]
    joints: dict[JointId, JointTables]
    known_share_floor: tuple[int, int]
    level_of: tuple[str, ...]
    carried: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def base(self) -> dict[JointId, int]:
        """Hundredths of a point of each joint with every factor in its reference band."""
        return {joint: tables.base for joint, tables in self.joints.items()}


def compile_rule_set(
    document: RuleSetDocument, *, version: str, digest: str, min_evidence: MinEvidence | None = None
) -> CompiledRuleSet:
    """Turns a checked document into tables.

    Args:
        document: one that `document_faults` finds nothing in.
        min_evidence: leaves out every (factor, joint) of a lower grade; groups, bases and shares are of what is left.
    """
    rulers: dict[tuple[str, str], tuple[int, Ruler]] = {}

    def ruler_of(factor: Factor, joint: JointId) -> int:
        feature, bands = factor.feature_of(joint), factor.bands_of(joint)
        key = (feature, repr([(band.from_, band.above, band.is_, band.reference) for band in bands]))
        if key not in rulers:
            rulers[key] = (len(rulers), make_ruler(FEATURES[feature], bands))
        return rulers[key][0]

    pairs = {
        joint: tuple(
            _make_pair(factor, joint, ruler=ruler_of(factor, joint), min_evidence=min_evidence)
            for factor in document.factors
            if joint in factor.joints
        )
        for joint in JOINTS
    }
    ruler_list = tuple(ruler for _, ruler in rulers.values())
    joints = {joint: _make_joint(joint, pairs[joint], ruler_list) for joint in JOINTS}
    floor = document.levels.known_share_floor.as_integer_ratio()
    cuts = document.levels.cuts[::-1]
    levels = tuple(next(cut.id for cut in cuts if score >= cut.from_) for score in range(101))
    return CompiledRuleSet(version, digest, document, min_evidence, ruler_list, joints, floor, levels)


def effect_weight(effect: Effect, joint: JointId, at_joint: FactorJoint) -> Decimal:
    """The weight of one effect for a joint: its own where the evidence fades inside a factor, else the factor's."""
    return effect.weights.get(joint, at_joint.weight)


def _make_pair(factor: Factor, joint: JointId, *, ruler: int, min_evidence: MinEvidence | None) -> Pair:
    at_joint = factor.joints[joint]
    bands = factor.bands_of(joint)
    points: list[int] = []
    variances: list[float] = []
    for band in bands:
        weights = [float(effect_weight(effect, joint, at_joint)) * effect.power for effect in band.effects]
        doublings = [log2(effect.ratio) for effect in band.effects]
        errors = [(log2(effect.high) - log2(effect.low)) / WIDTH_OF_95 for effect in band.effects]
        # each effect is held as whole hundredths, and a band is their sum, so that the sum can be checked by hand
        points.append(sum(round(100 * POINTS_PER_DOUBLING * w * d) for w, d in zip(weights, doublings, strict=True)))
        variances.append(fsum((w * e) ** 2 for w, e in zip(weights, errors, strict=True)))
    weighs_nothing = at_joint.grade is None
    too_weak = min_evidence is not None and GRADE_RANK[at_joint.grade] < GRADE_RANK[min_evidence]
    return Pair(
        factor,
        joint,
        at_joint.grade,
        at_joint.weight,
        tuple(bands),
        ruler,
        tuple(points),
        tuple(variances),
        weighs_nothing or too_weak,
    )


def _make_joint(joint: JointId, pairs: tuple[Pair, ...], rulers: Sequence[Ruler]) -> JointTables:
    grouped: dict[str, list[tuple[int, Pair]]] = {}
    for position, pair in enumerate(pairs):
        if not pair.excluded:
            grouped.setdefault(pair.factor.group, []).append((position, pair))
    groups = tuple(_make_group(id, members, rulers) for id, members in grouped.items())
    unknown = [group.entries[group.index([ruler.full for ruler in rulers])] for group in groups]
    return JointTables(
        joint,
        pairs,
        groups,
        base=AVERAGE_HUNDREDTHS - sum(entry.points for entry in unknown),
        full_span=sum(entry.high - entry.low for entry in unknown),
        excluded=tuple((position, pair.ruler) for position, pair in enumerate(pairs) if pair.excluded),
    )


def _make_group(id: str, placed: list[tuple[int, Pair]], rulers: Sequence[Ruler]) -> GroupTable:
    pairs = [pair for _, pair in placed]
    protective = any(points < 0 for pair in pairs for points in pair.band_points)
    extreme: Callable[[Iterable[int]], int] = min if protective else max
    row_masks = [rulers[pair.ruler].sets(FEATURES[rulers[pair.ruler].feature]) for pair in pairs]
    members: list[Member] = []
    for place, (position, pair) in enumerate(placed):
        stride = prod(len(masks) for masks in row_masks[place + 1 :])
        offsets = {mask: row * stride for row, mask in enumerate(row_masks[place])}
        members.append(Member(pair, position, offsets))
    references = [1 << rulers[pair.ruler].reference for pair in pairs]
    worth: dict[tuple[int, ...], int] = {}

    def worth_of(masks: tuple[int, ...]) -> int:
        if masks not in worth:
            worth[masks] = round(_expected_hundredths(pairs, masks, extreme))
        return worth[masks]

    entries = tuple(_make_entry(pairs, masks, references, worth_of, extreme) for masks in product(*row_masks))
    steps = tuple((member.pair.ruler, member.offsets) for member in members)
    return GroupTable(id, tuple(members), entries, steps)


def _expected_hundredths(pairs: Sequence[Pair], masks: Sequence[int], extreme: Callable[[Iterable[int]], int]) -> float:
    """A group's expectation on the risk scale: members independent, shares renormalised over each set."""
    chances: dict[int, float] = {}
    for number, (pair, mask) in enumerate(zip(pairs, masks, strict=True)):
        bands = bands_in(mask)
        shares = [float(pair.bands[band].share) for band in bands]
        total = fsum(shares)
        # a set that nobody of the reference population stands in is shared out evenly
        odds = [share / total for share in shares] if total else [1 / len(bands)] * len(bands)
        own = [(pair.band_points[band], chance) for band, chance in zip(bands, odds, strict=True)]
        if number == 0:
            before = [(points, chance) for points, chance in own]
        else:
            before = [
                (extreme((one, other)), chance * with_chance)
                for one, chance in chances.items()
                for other, with_chance in own
            ]
        merged: dict[int, list[float]] = {}
        for points, chance in before:
            merged.setdefault(points, []).append(chance)
        chances = {points: fsum(parts) for points, parts in merged.items()}
    if len(chances) == 1:
        return next(iter(chances))
    doubling = 100 * POINTS_PER_DOUBLING
    return doubling * log2(fsum(chance * 2 ** (points / doubling) for points, chance in chances.items()))


def _make_entry(
    pairs: Sequence[Pair],
    masks: tuple[int, ...],
    references: Sequence[int],
    worth_of: Callable[[tuple[int, ...]], int],
    extreme: Callable[[Iterable[int]], int],
) -> Entry:
    told, masks = masks, tuple(mask or reference for mask, reference in zip(masks, references, strict=True))
    possible = [[pair.band_points[band] for band in bands_in(mask)] for pair, mask in zip(pairs, masks, strict=True)]
    low = extreme(min(points) for points in possible)
    high = extreme(max(points) for points in possible)
    known = [len(points) == 1 for points in possible]
    revealed = [
        mask if is_known else reference for mask, is_known, reference in zip(masks, known, references, strict=True)
    ]
    at_extreme = extreme([points[0] for points, is_known in zip(possible, known, strict=True) if is_known] or [0])
    shares: list[Share] = []
    variance, applied, weak = 0.0, 0, 0
    carried = worth_of(tuple(revealed))
    is_carried = False
    for place, (pair, mask) in enumerate(zip(pairs, masks, strict=True)):
        if not known[place]:
            revealed[place] = mask
            after = worth_of(tuple(revealed))
            shares.append(Share("unknown", after - carried, None))
            carried = after
            continue
        alone = possible[place][0]
        if told[place] == NOT_APPLICABLE_MASK:
            shares.append(Share("not_applicable", 0, 0))
        elif mask == references[place]:
            shares.append(Share("reference", 0, alone))
        elif alone == at_extreme and not is_carried:
            is_carried = True
            band = mask.bit_length() - 1
            variance, applied = pair.band_variances[band], abs(alone)
            weak = applied if pair.grade == "very_low" else 0
            shares.append(Share("applied", alone, alone))
        else:
            shares.append(Share("shadowed", 0, alone))
    return Entry(worth_of(masks), low, high, tuple(shares), variance, applied, weak)
