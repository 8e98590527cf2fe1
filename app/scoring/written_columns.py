"""Writes the least answer (`detail=scores`) of many runners: the twin of what `assessment.py` writes of one.

Pieces that recur are written once: a joint's numbers for the same totals, a referral for the same flags, a day.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cache
from math import sqrt
from typing import Final, Literal, NamedTuple, cast

from app.runners import Finding, JointId
from app.runners.told_columns import EPOCH, ToldColumns
from app.scoring.answer_columns import AnswerWriter
from app.scoring.compiled import AVERAGE_HUNDREDTHS, POINTS_PER_DOUBLING, CompiledRuleSet, JointTables
from app.scoring.grading_columns import GradedColumns, grade_columns
from app.scoring.numerals import write_number
from app.scoring.rule_set import Flag
from app.scoring.totals import Z_95, print_score
from app.scoring.wording import wording_of

SCORED: Final = 0
SUSPENDED: Final = 1
NOT_ASSESSED: Final = 2
STATUSES: Final = ("scored", "suspended", "not_assessed")
PIECES_MOST: Final = 16_384
"""Written joints kept with a rule set; each follows from its totals alone, whoever had them."""


class WrittenJoint(NamedTuple):
    """What is said of a joint, and how it is counted."""

    text: str
    status: str
    level: str | None


class WrittenScores(NamedTuple):
    """The answers of many runners.

    Attributes:
        texts: one for each row, JSON in ASCII; None where the row is to be refused.
        joints: how often each status and level was answered, by joint.
        findings: how many answers have a finding, by its code.
    """

    texts: list[str | None]
    joints: dict[tuple[JointId, str, str | None], int]
    findings: dict[str, int]


_Totals = tuple[int, int, int, int, float]
"""Status, raw, low, high, variance: all that a joint's numbers follow from."""


def write_scores(
    rules: CompiledRuleSet, told: ToldColumns, *, language: str, notes: Sequence[Finding] = ()
) -> WrittenScores:
    """Scores every row and writes what `render` writes of it with `detail="scores"`.

    Args:
        language: as for `render`.
        notes: what every answer by these rules says of them; they are counted.
    """
    graded = grade_columns(rules, told)
    writer = AnswerWriter(rules, told, graded, notes=[note.code for note in notes])
    counted: Counter[tuple[JointId, str, str | None]] = Counter()
    assessed = writer.assessed.tolist()
    columns: list[list[str]] = []
    for joint in rules.joints:
        written = _write_joints(rules, graded, joint)
        counted.update((joint, one.status, one.level) for one, yes in zip(written, assessed, strict=True) if yes)
        columns.append([f'"{joint}":{one.text}' for one in written])
    end = f',"rule_set":{wording_of(rules, language).rule_set}}}'
    texts = [
        f'{{"as_of":"{_write_day(day)}","joints":{{{",".join(joints)}}},"referral":{referral}{end}' if yes else None
        for yes, day, referral, *joints in zip(
            assessed, told.as_of.tolist(), _write_referrals(told, graded), *columns, strict=True
        )
    ]
    return WrittenScores(texts, dict(counted), writer.finding_counts())


def _write_joints(rules: CompiledRuleSet, graded: GradedColumns, joint: JointId) -> list[WrittenJoint]:
    totals, suspended, scored = graded.joints[joint]
    kept = cast(dict[_Totals, WrittenJoint], rules.carried.setdefault(f"written-scores:{joint}", {}))
    if len(kept) > PIECES_MOST:
        kept.clear()
    status = [
        SUSPENDED if is_suspended else SCORED if is_scored else NOT_ASSESSED
        for is_suspended, is_scored in zip(suspended.tolist(), scored.tolist(), strict=True)
    ]
    numbers = (totals.raw, totals.low, totals.high, totals.variance)
    written: list[WrittenJoint] = []
    for key in zip(status, *(each.tolist() for each in numbers), strict=True):
        one = kept.get(key)
        if one is None:
            one = kept[key] = _write_joint(rules, rules.joints[joint], key)
        written.append(one)
    return written


def _write_joint(rules: CompiledRuleSet, tables: JointTables, key: _Totals) -> WrittenJoint:
    status, raw, low, high, variance = key
    score = score_range = level = risk = certain = "null"
    name: str | None = None
    if status != SUSPENDED:
        ends = print_score(low), print_score(high)
        score_range = f"[{ends[0]},{ends[1]}]"
        if status == SCORED:
            name = rules.level_of[print_score(raw)]
            score, level = str(print_score(raw)), f'"{name}"'
            certain = "true" if rules.level_of[ends[0]] == rules.level_of[ends[1]] else "false"
            estimate = 2.0 ** ((min(max(raw, 0), 10_000) - AVERAGE_HUNDREDTHS) / (POINTS_PER_DOUBLING * 100))
            factor = 2.0 ** (Z_95 * sqrt(variance))
            risk = (
                f'{{"estimate":{write_number(estimate)},"high":{write_number(estimate * factor)},'
                f'"low":{write_number(estimate / factor)}}}'
            )
    known_share = (tables.full_span - (high - low)) / tables.full_span if tables.full_span else 1.0
    text = (
        f'{{"status":"{STATUSES[status]}","score":{score},"score_range":{score_range},"level":{level},'
        f'"level_certain":{certain},"known_share":{write_number(known_share)},"relative_risk":{risk}}}'
    )
    return WrittenJoint(text, STATUSES[status], name)


def _write_referrals(told: ToldColumns, graded: GradedColumns) -> list[str]:
    reasons = [(flag, raised) for flag, raised in graded.flags if flag.urgency is not None]
    screened = (told.symptoms["knee"].told & told.symptoms["lower_back"].told).tolist()
    raised_by = [0] * told.row_count
    for place, (_, raised) in enumerate(reasons):
        for row in raised.nonzero()[0].tolist():
            raised_by[row] |= 1 << place
    flags = [flag for flag, _ in reasons]
    written = {
        (raised, is_screened): _write_referral(
            [flag for place, flag in enumerate(flags) if raised >> place & 1], asked="all" if is_screened else "in part"
        )
        for raised, is_screened in set(zip(raised_by, screened, strict=True))
    }
    return [written[key] for key in zip(raised_by, screened, strict=True)]


def _write_referral(told: Sequence[Flag], *, asked: Literal["all", "in part"]) -> str:
    joints = ["null" if flag.joint == "whole_body" else f'"{flag.joint}"' for flag in told]
    reasons = ",".join(f'{{"id":"{flag.id}","joint":{joint}}}' for flag, joint in zip(told, joints, strict=True))
    screened, nothing = ("true", '"none"') if asked == "all" else ("false", "null")
    urgency = f'"{told[0].urgency}"' if told else nothing
    return f'{{"reasons":[{reasons}],"screened":{screened},"urgency":{urgency}}}'


@cache
def _write_day(day: int) -> str:
    # Bounded: days of a score lie between 2000 and tomorrow.
    return str(date.fromordinal(day + EPOCH))
