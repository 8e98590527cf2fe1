"""What every factor adds to each joint of many runners, as `wording.Contribution` tells it in codes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from app.runners.told_columns import Mask, Whole
from app.scoring.compiled import CompiledRuleSet, JointTables
from app.scoring.grading_columns import GradedColumns, column_rules_of

STATUSES = ("applied", "reference", "shadowed", "unknown", "not_applicable", "excluded")
_EXCLUDED = STATUSES.index("excluded")


class _Lines(NamedTuple):
    """The contributions of one factor to one joint: place of the status and hundredths of every runner."""

    ruler: int
    status: Whole
    points: Whole


def list_contributions(rules: CompiledRuleSet, graded: GradedColumns, *, assessed: Mask) -> Any:
    """One list a row, joint by joint in the order of the document; null where the row was refused.

    Returns:
        Arrow lists of structs (joint, factor, band, status, points_hundredths).
    """
    rows = assessed.nonzero()[0]
    rulers = column_rules_of(rules).rulers
    joints: list[str] = []
    factors: list[str] = []
    labels: list[str] = []
    bands: list[Whole] = []
    statuses: list[Whole] = []
    points: list[Whole] = []
    for joint, tables in rules.joints.items():
        for pair, line in zip(tables.pairs, _lines(tables, graded, rows), strict=True):
            on = rulers[line.ruler]
            joints.append(joint)
            factors.append(pair.factor.id)
            known = on.known_band[graded.standing.sets(line.ruler)[rows]]
            bands.append(np.where(known < 0, -1, known + len(labels)))
            labels += on.ruler.labels
            statuses.append(line.status)
            points.append(line.points)
    count = len(joints)
    structs = pa.StructArray.from_arrays(
        [
            choose(joints, np.tile(np.arange(count), len(rows))),
            choose(factors, np.tile(np.arange(count), len(rows))),
            choose(labels, _by_row(bands)),
            choose(STATUSES, _by_row(statuses)),
            pa.array(_by_row(points).astype(np.int32)),
        ],
        names=["joint", "factor", "band", "status", "points_hundredths"],
    )
    return lists(structs, np.where(assessed, count, 0), missing=~assessed)


def _lines(tables: JointTables, graded: GradedColumns, rows: Whole) -> Iterator[_Lines]:
    """The lines of one joint, in the order of its pairs."""
    lines: dict[int, _Lines] = {}
    nothing = np.zeros(len(rows), np.int64)
    for position, ruler in tables.excluded:
        lines[position] = _Lines(ruler, nothing + _EXCLUDED, nothing)
    for group, entries in zip(tables.groups, graded.joints[tables.joint].totals.entries, strict=True):
        chosen = entries[rows]
        for nth, member in enumerate(group.members):
            shares = [entry.shares[nth] for entry in group.entries]
            status = np.array([STATUSES.index(share.status) for share in shares])
            carried = np.array([share.points for share in shares])
            lines[member.position] = _Lines(member.pair.ruler, status[chosen], carried[chosen])
    return (lines[position] for position in range(len(tables.pairs)))


def _by_row(lines: list[Whole]) -> Whole:
    """Values of one line after the other, turned into values of one row after the other."""
    return np.stack(lines, axis=1).reshape(-1)


def lists(members: Any, counts: Whole, *, missing: Mask) -> Any:
    """Lists of so many members each; null where they are missing."""
    offsets: Any = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), members, mask=pa.array(missing))


def choose(names: Any, places: Whole) -> Any:
    """The name at each place; null where the place is -1."""
    chosen: Any = pa.array(places, mask=places < 0)  # the stubs take what has a mask for booleans
    return pa.array(names, pa.string()).take(chosen)
