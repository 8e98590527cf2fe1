"""Worse never lowers, by construction: every entry of every group table, moved one band the worse way.

A joint's score is a sum over groups, so it is enough that no group's worth falls, nor the least or the most that it
can still be worth, when one member moves from any set of bands to a worse one and the others stay as they are.
Partial knowledge is such a set: one is worse than another if both its ends are.
"""

from collections.abc import Iterator, Sequence
from itertools import count, product
from typing import Final, NamedTuple

from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.finding import CheckFinding, Counterexample
from app.rule_sets.profile_answers import Told
from app.rule_sets.witnesses import write_request
from app.runners import JOINTS, JointId
from app.scoring.compiled import GroupTable, Member
from app.scoring.rule_set import Factor
from app.scoring.rulers import bands_in, edge_of

RUNNERS_TRIED: Final = 200
"""How many entries that fall are tried for two runners who show it, in a whole document; not every entry has any."""


class Step(NamedTuple):
    """One member of a group gets worse: from these bands to those."""

    better: int
    worse: int


def order_of(factor: Factor, joint: JointId) -> list[int]:
    """The bands of a factor from best to worst, as it declares; choices alone are better than numbers."""
    bands = factor.bands_of(joint)
    if factor.worse_when == "later":
        return list(range(len(bands)))
    numbers = [number for number, band in enumerate(bands) if edge_of(band) is not None]
    choices = [number for number, band in enumerate(bands) if edge_of(band) is None]
    return choices + (numbers if factor.worse_when == "higher" else numbers[::-1])


def find_lower_entries(draft: Draft) -> Iterator[CheckFinding]:
    """The first entry of each factor's tables that is worth less than a better one."""
    tries = count()
    told = {fault.pointer.rsplit("/bands", 1)[0] for fault in draft.faults if fault.code == "worse-lowers"}
    for number, factor in enumerate(draft.document.factors):
        for joint, at_joint in factor.joints.items():
            path = f"/factors/{number}/joints/{joint}" if at_joint.bands else f"/factors/{number}"
            if path in told:
                continue  # its bands say so themselves
            for group in draft.rules.joints[joint].groups:
                for member in group.members:
                    if member.pair.factor is factor:
                        found = _first_lower(draft, joint, group, member, tries)
                        if found is not None:
                            step, counterexample = found
                            worst = max(bands_in(step.worse), key=order_of(factor, joint).index)
                            yield CheckFinding(
                                "error",
                                "worse-lowers-entry",
                                f"{path}/bands/{worst}",
                                f"For {joint}, a runner who moves to this worse band is given fewer points.",
                                counterexample,
                            )


def pair_for_band(draft: Draft, path: str) -> Counterexample | None:
    """The runner in a band and one in the next better band, for a fault that stands at the worse one."""
    steps = path.split("/")
    number, band = int(steps[2]), int(steps[steps.index("bands") + 1])
    factor = draft.document.factors[number]
    for joint in (steps[4],) if steps[3] == "joints" else factor.joints:
        for own in JOINTS:
            if own == joint:
                order = order_of(factor, own)
                better = order[order.index(band) - 1]
                pair = pair_of(draft.reach.band(number, own, better), draft.reach.band(number, own, band))
                if pair is not None:
                    return pair
    return None


def pair_of(better: Told | None, worse: Told | None) -> Counterexample | None:
    """Two requests side by side, where both are known."""
    if better is None or worse is None:
        return None
    return {"better": write_request(better), "worse": write_request(worse)}


def steps_of(member: Member, order: Sequence[int]) -> Iterator[Step]:
    """Every pair of a member's band sets of which one is worse at both ends; alike ends are no step."""
    rank = {band: place for place, band in enumerate(order)}
    ends = {mask: sorted(rank[band] for band in bands_in(mask)) for mask in member.offsets if mask}
    for better, worse in product(ends, ends):
        low, high = ends[better][0], ends[better][-1]
        if better != worse and low <= ends[worse][0] and high <= ends[worse][-1]:
            yield Step(better, worse)


def _first_lower(
    draft: Draft, joint: JointId, group: GroupTable, member: Member, tries: Iterator[int]
) -> tuple[Step, Counterexample | None] | None:
    """The step at which an entry falls; preferably one that two runners can show."""
    others = [list(other.offsets.values()) for other in group.members if other is not member]
    hidden: Step | None = None
    for step in steps_of(member, order_of(member.pair.factor, joint)):
        for rest in product(*others):
            index = sum(rest)
            one, other = (group.entries[index + member.offsets[mask]] for mask in step)
            if other.points < one.points or other.low < one.low or other.high < one.high:
                if next(tries) >= RUNNERS_TRIED:
                    return step, None
                pair = _shown_by(draft, group, index + member.offsets[step.better], index + member.offsets[step.worse])
                if pair is not None:
                    return step, pair
                hidden = hidden or step
    return None if hidden is None else (hidden, None)


def _shown_by(draft: Draft, group: GroupTable, better: int, worse: int) -> Counterexample | None:
    """Two runners who stand in two entries of a group."""
    shown: list[Told | None] = []
    for index in (better, worse):
        masks = {member.pair.ruler: mask for member, mask in zip(group.members, group.masks(index), strict=True)}
        shown.append(draft.bench.in_bands(masks))
    return pair_of(*shown)
