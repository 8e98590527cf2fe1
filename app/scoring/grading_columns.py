"""What follows from where many runners stand: totals, flags, statuses and numbers. The twin of `engine.py`."""

from functools import cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from app.errors import Fault
from app.features.columns import ColumnFacts
from app.runners import JOINTS, JointId
from app.runners.told_columns import SYMPTOM_OWNERS, Mask, ToldColumns, Whole
from app.scoring.advice import URGENCY_RANK
from app.scoring.compiled import AVERAGE_HUNDREDTHS, POINTS_PER_DOUBLING, CompiledRuleSet, GroupTable, JointTables
from app.scoring.rule_set import Flag
from app.scoring.standing_columns import ColumnStanding, ConditionColumns, Need, RulerColumn
from app.scoring.totals import Z_95

Floats = NDArray[np.float64]


class GroupColumn:
    """A group's table over columns: what every entry is worth, and what each set of its rulers adds to its index."""

    def __init__(self, group: GroupTable, rulers: list[RulerColumn]) -> None:
        self.steps: list[tuple[int, Whole]] = [
            (ruler, np.array([offsets[mask] for mask in rulers[ruler].sets], np.int64))
            for ruler, offsets in group.steps
        ]
        self.points: Whole = np.array([entry.points for entry in group.entries], np.int64)
        self.low: Whole = np.array([entry.low for entry in group.entries], np.int64)
        self.high: Whole = np.array([entry.high for entry in group.entries], np.int64)
        self.variance: Floats = np.array([entry.variance for entry in group.entries], np.float64)

    def entries(self, standing: ColumnStanding) -> Whole:
        """The entry of every runner."""
        (first, offsets), *others = self.steps
        index = offsets[standing.sets(first)]
        for ruler, more in others:
            index = index + more[standing.sets(ruler)]
        return index


class JointTotals(NamedTuple):
    """A joint's tables added up for every runner; hundredths of a point, as `totals.Totals` has them.

    Attributes:
        entries: of each group, the entry chosen.
    """

    entries: list[Whole]
    raw: Whole
    low: Whole
    high: Whole
    variance: Floats


class PreparedFlag(NamedTuple):
    """A flag with its conditions, none where it is asked."""

    flag: Flag
    when: tuple[Need, ...]


class ColumnRules:
    """All that the column evaluator derives once from a rule set."""

    def __init__(self, rules: CompiledRuleSet) -> None:
        document = rules.document
        self.rulers = [RulerColumn(ruler) for ruler in rules.rulers]
        self.conditions = ConditionColumns(rules, self.rulers)
        self.groups = {
            joint: [GroupColumn(group, self.rulers) for group in tables.groups]
            for joint, tables in rules.joints.items()
        }
        # As they are told: most urgent first, then in document order.
        ranked = sorted(document.flags, key=lambda flag: -URGENCY_RANK[flag.urgency])
        self.flags = [PreparedFlag(flag, self.conditions.needs(flag.when)) for flag in ranked]
        self.advice = [
            (self.conditions.needs(advice.when), self.conditions.needs(advice.not_when)) for advice in document.advice
        ]


def column_rules_of(rules: CompiledRuleSet) -> ColumnRules:
    """What the column evaluator derives of a rule set, made once and kept with it."""
    kept = rules.carried.get("columns")
    if kept is None:
        kept = rules.carried["columns"] = ColumnRules(rules)
    return cast(ColumnRules, kept)


class JointColumns(NamedTuple):
    """One joint of every runner; a number says nothing where its mask is not set.

    Attributes:
        suspended, scored: statuses; neither is `not_assessed`.
    """

    totals: JointTotals
    suspended: Mask
    scored: Mask


class GradedColumns(NamedTuple):
    """What follows from where many runners stand, as `engine.Grading` has it.

    Attributes:
        flags: who has which flag raised, in the order in which they are told; nobody's are left out.
        silent: of whom there is nothing to say of training.
        refers: whose referral stands alone.
        refused: first fault of rows that name no flag of this rule set.
    """

    standing: ColumnStanding
    joints: dict[JointId, JointColumns]
    flags: list[tuple[Flag, Mask]]
    silent: Mask
    refers: Mask
    refused: dict[int, Fault]


def grade_columns(rules: CompiledRuleSet, told: ToldColumns) -> GradedColumns:
    """Grades every row, those that were refused too; of those it says nothing."""
    prepared = column_rules_of(rules)
    standing = ColumnStanding(ColumnFacts(told), prepared.rulers, prepared.conditions)
    reported, refused = _reported(prepared, told)
    flags: list[tuple[Flag, Mask]] = []
    for flag, when in prepared.flags:
        raised = standing.holds(when) if when else reported.get(flag.id, standing.nowhere)
        if raised.any():
            flags.append((flag, raised))
    standing.raise_flags({flag.id: raised for flag, raised in flags})

    def raised_by(*, effect: str, joint: JointId | None = None) -> Mask:
        found = standing.nowhere
        for flag, raised in flags:
            if flag.effect == effect and (joint is None or flag.joint in (joint, "whole_body")):
                found = found | raised
        return found

    joints: dict[JointId, JointColumns] = {}
    for joint in JOINTS:
        totals = _add_up(rules.joints[joint], prepared.groups[joint], standing)
        suspended = raised_by(effect="suspend", joint=joint)
        known = _is_assessed(rules, rules.joints[joint], totals)
        joints[joint] = JointColumns(
            totals, suspended, known & ~suspended & ~raised_by(effect="not_assess", joint=joint)
        )
    refers = standing.nowhere
    for flag, raised in flags:
        if URGENCY_RANK[flag.urgency] >= URGENCY_RANK["prompt"]:
            refers = refers | raised
    return GradedColumns(standing, joints, flags, refers | raised_by(effect="not_assess"), refers, refused)


def _reported(prepared: ColumnRules, told: ToldColumns) -> tuple[dict[str, Mask], dict[int, Fault]]:
    """Who reported which flag, and the first fault of each row that reported what is none."""
    asked = {flag.id for flag, _ in prepared.flags if flag.question is not None}
    found: dict[str, Mask] = {}
    refused: dict[int, Fault] = {}
    for owner in SYMPTOM_OWNERS:
        symptoms = told.symptoms[owner]
        for code, id_ in enumerate(symptoms.ids):
            places = (symptoms.code == code).nonzero()[0]
            if id_ in asked:
                found.setdefault(id_, np.zeros(told.row_count, np.bool_))[symptoms.row[places]] = True
        is_asked = np.array([id_ in asked for id_ in symptoms.ids] or [True], np.bool_)
        for place in (~is_asked[symptoms.code]).nonzero()[0].tolist():
            pointer = f"{f'/runner/{owner}' if owner else '/runner'}/symptoms/{symptoms.place[place]}"
            detail = "No red flag of this rule set has this id; see GET /v1/factors."
            refused.setdefault(int(symptoms.row[place]), Fault(pointer, "unknown-symptom", detail))
    return found, refused


def _add_up(tables: JointTables, groups: list[GroupColumn], standing: ColumnStanding) -> JointTotals:
    count = len(standing.nowhere)
    raw, low, high = (np.full(count, tables.base, np.int64) for _ in range(3))
    variance = np.zeros(count)
    chosen: list[Whole] = []
    for group in groups:
        index = group.entries(standing)
        chosen.append(index)
        raw += group.points[index]
        low += group.low[index]
        high += group.high[index]
        variance += group.variance[index]  # in the order of the groups, because it is a sum of floats
    return JointTotals(chosen, raw, low, high, variance)


def _is_assessed(rules: CompiledRuleSet, tables: JointTables, totals: JointTotals) -> Mask:
    over, under = rules.known_share_floor
    # (full - span) * under >= over * full, solved for the span in whole numbers
    known: Mask = totals.high - totals.low <= tables.full_span * (under - over) // under
    return known


def print_scores(hundredths: Whole) -> Whole:
    """Scores as they are printed; the twin of `totals.print_score`.

    >>> print_scores(np.array([6549, 6550, -30, 12_000])).tolist()
    [65, 66, 0, 100]
    """
    return (np.clip(hundredths, 0, 10_000) + 50) // 100


def known_shares(tables: JointTables, totals: JointTotals) -> Floats:
    """The share of a joint's span that is known, two decimals."""
    if not tables.full_span:
        return np.ones(len(totals.raw))
    spans, places = np.unique(totals.high - totals.low, return_inverse=True)
    shares = [round((tables.full_span - span) / tables.full_span, 2) for span in spans.tolist()]
    return np.array(shares)[places]


class RiskColumns(NamedTuple):
    """Relative risks, two decimals."""

    estimate: Floats
    low: Floats
    high: Floats


@cache
def _risks() -> Floats:
    """The relative risk of every score in hundredths, 0 to 10,000."""
    return np.array([2.0 ** ((score - AVERAGE_HUNDREDTHS) / (POINTS_PER_DOUBLING * 100)) for score in range(10_001)])


def relative_risks(totals: JointTotals) -> RiskColumns:
    """Relative risks and their intervals, to two decimals, the last digit as Python rounds it.

    Powers are Python's own: those of numpy may differ in their last bit from one processor to another.
    """
    estimates = _risks()[np.clip(totals.raw, 0, 10_000)]
    variances, places = np.unique(totals.variance, return_inverse=True)
    factors = np.array([2.0 ** (Z_95 * error) for error in np.sqrt(variances).tolist()])[places]
    return RiskColumns(
        round_to_hundredths(estimates),
        round_to_hundredths(estimates / factors),
        round_to_hundredths(estimates * factors),
    )


def round_to_hundredths(numbers: Floats) -> Floats:
    """Two decimals; a number that stands next to half a hundredth is rounded by Python, which looks at every bit."""
    hundredths = numbers * 100
    whole = np.rint(hundredths)
    rounded = whole / 100
    doubtful = np.abs(np.abs(hundredths - whole) - 0.5) < _NEXT_TO * (1 + np.abs(hundredths))
    for row in doubtful.nonzero()[0].tolist():
        rounded[row] = round(float(numbers[row]), 2)
    return rounded


_NEXT_TO = 1e-9
