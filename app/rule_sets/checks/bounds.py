"""The scale holds what is put on it: bases inside it, no band wider than it, and nearly everybody between its ends."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Final, Literal

from app.rule_sets.checks.draft import Draft, request_of
from app.rule_sets.checks.finding import Check, CheckFinding
from app.runners import JOINTS, JointId
from app.scoring.compiled import GroupTable, JointTables

SCALE_HUNDREDTHS: Final = 10_000
BEYOND_SHARE_MOST: Final = 0.05
"""How many of the reference population may stand beyond one end of the scale, and be printed at it."""
GROUPS_EXACT: Final = 40
POINT_HUNDREDTHS: Final = 100
"""With more groups than that their sums are too many to keep apart, and whole points are near enough."""
NOBODY: Final = 1e-12


def find_beyond_scale(draft: Draft) -> Iterator[CheckFinding]:
    """What the scale of 0 to 100 cannot show."""
    for joint in JOINTS:
        tables = draft.rules.joints[joint]
        if not 0 <= tables.base <= SCALE_HUNDREDTHS:
            message = (
                f"A runner in every reference band of the {joint} stands outside the scale, at {tables.base / 100:g}."
            )
            yield CheckFinding("error", "base-beyond-scale", "/factors", message, request_of(draft.bench.at_reference))
        yield from _wide_bands(draft, joint)
        below, above = _beyond(tables)
        ends: tuple[tuple[float, Literal["lowest", "highest"], int], ...] = (
            (below, "lowest", 0),
            (above, "highest", 100),
        )
        for share, end, at in ends:
            if share > BEYOND_SHARE_MOST:
                message = (
                    f"Of the reference population {share:.0%} are printed as {at} for the {joint}, and stand beyond it."
                )
                shown = request_of(draft.reach.extreme(joint, end=end))
                yield CheckFinding("error", "crowd-beyond-scale", "/factors", message, shown)


def _wide_bands(draft: Draft, joint: JointId) -> Iterator[CheckFinding]:
    for pair in draft.rules.joints[joint].pairs:
        number = draft.document.factors.index(pair.factor)
        own = f"/factors/{number}/joints/{joint}" if pair.factor.joints[joint].bands else f"/factors/{number}"
        for band, points in enumerate(pair.band_points):
            if abs(points) > SCALE_HUNDREDTHS and not pair.excluded:
                message = f"For the {joint} this band alone moves a score by more than the whole scale."
                shown = request_of(draft.reach.band(number, joint, band))
                yield CheckFinding("error", "band-beyond-scale", f"{own}/bands/{band}", message, shown)


def _beyond(tables: JointTables) -> tuple[float, float]:
    """Shares of the reference population below 0 and above 100, factors independent with their shares."""
    chances: dict[int, float] = {tables.base: 1.0}
    step = 1 if len(tables.groups) <= GROUPS_EXACT else POINT_HUNDREDTHS
    for group in tables.groups:
        worth = _worth(group, step=step)
        mixed: dict[int, float] = defaultdict(float)
        for (points, chance), (more, share) in product(chances.items(), worth.items()):
            mixed[points + more] += chance * share
        chances = {points: chance for points, chance in mixed.items() if chance > NOBODY}
    below = sum(chance for points, chance in chances.items() if points < 0)
    return below, sum(chance for points, chance in chances.items() if points > SCALE_HUNDREDTHS)


def _worth(group: GroupTable, *, step: int) -> dict[int, float]:
    """What a group is worth to the reference population, in hundredths of a point to the next step, and to how many."""
    protective = any(points < 0 for member in group.members for points in member.pair.band_points)
    worth = {0: 1.0}  # every member's reference band has no points, so no group is worth less than that, or more
    extreme = min if protective else max
    for member in group.members:
        mixed: dict[int, float] = defaultdict(float)
        for (points, chance), (own, band) in product(
            worth.items(), zip(member.pair.band_points, member.pair.bands, strict=True)
        ):
            mixed[extreme(points, own)] += chance * float(band.share)
        worth = mixed
    stepped: dict[int, float] = defaultdict(float)
    for points, chance in worth.items():
        stepped[round(points / step) * step] += chance
    return stepped


BOUNDS: Final = Check(
    "Bases lie on the scale, no band is wider than it, and of the reference population at most one in twenty stands "
    "beyond either end.",
    {"base-beyond-scale": "error", "band-beyond-scale": "error", "crowd-beyond-scale": "error"},
    find_beyond_scale,
)
