"""Scores one runner: the reference meaning of a rule set. Every other evaluator must equal it.

The way through: facts, readings, bands, flags, tables, and what follows from them. A pure function of the rule set,
the request and the day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import sqrt
from typing import Literal, NamedTuple, cast

from app.features import Facts, derive_facts
from app.features.facts import thousandths
from app.runners import Finding, JointId, Runner, ScoreRequest
from app.scoring.advice import (
    URGENCY_RANK,
    GivenAdvice,
    GivenBenefit,
    benefits_for,
    fill_in_numbers,
    give_advice,
    raise_flags,
)
from app.scoring.compiled import AVERAGE_HUNDREDTHS, POINTS_PER_DOUBLING, CompiledRuleSet, JointTables
from app.scoring.findings import note_findings
from app.scoring.next_steps import NextRun, Question, ask_next, plan_next_run, unknown_rulers
from app.scoring.rule_set import Flag
from app.scoring.standing import Standing, grounds_of
from app.scoring.totals import Z_95, Totals, add_up, is_assessed, print_score

JointStatus = Literal["scored", "suspended", "not_assessed"]
Comparison = Literal["first_year", "experienced", "unknown"]
NOVICE_YEARS = 1
GRADINGS_MAX = 1_024


class RelativeRisk(NamedTuple):
    """Against the average runner of the comparison group; two decimals when printed."""

    estimate: float
    low: float
    high: float


class RateRange(NamedTuple):
    """Problems of a joint per 1000 hours of running: the comparison group's average, and this runner's spread."""

    average: float
    low: float
    high: float


class JointAssessment(NamedTuple):
    """What is said of one joint; members that the status takes away are None.

    Attributes:
        totals: kept for every status; the contributions are told from them.
        score, score_range: whole points.
        known_share: 0 to 1.
    """

    status: JointStatus
    totals: Totals
    score: int | None
    score_range: tuple[int, int] | None
    level: str | None
    level_certain: bool | None
    known_share: float
    relative_risk: RelativeRisk | None
    rate: RateRange | None


class Grading(NamedTuple):
    """All that follows from where a runner stands, whoever that is: the same for everyone in the same bands.

    Attributes:
        scored: totals of the joints that have a score.
        open: totals of the joints that are not suspended.
        suspended: joints that get no score and no training advice.
        silent: whether there is nothing to say of training: a referral stands alone, or the evidence does not speak of
            such people (children, in pregnancy).
        summary_joint: the scored joint with the highest score (ties: the first); None when none is scored, or when a
            referral stands alone.
        comparison: which group of the rates the runner is compared with.
        screened: whether the red-flag symptoms of both joints were asked.
        flags: all that are raised, most urgent first.
        unknown: rulers on which more than one band is possible, of the joints that are not suspended.
        questions: the next question, by the absent inputs.
        benefits: those that apply, before the runner's numbers are filled in.
        written: pieces of the answer that follow from nothing else, kept by whoever writes them.
    """

    joints: dict[JointId, JointAssessment]
    scored: dict[JointId, Totals]
    open: dict[JointId, Totals]
    suspended: list[JointId]
    silent: bool
    summary_joint: JointId | None
    comparison: Comparison
    screened: bool
    flags: list[Flag]
    bits: int
    advice: list[GivenAdvice]
    benefits: list[GivenBenefit]
    weak_evidence_share: float
    unknown: list[int]
    questions: dict[tuple[str | None, ...], Question | None]
    written: dict[str, object]


class Assessment(NamedTuple):
    """Everything that is said of one runner on one day, in ids and numbers; texts are added when it is written."""

    rules: CompiledRuleSet
    as_of: date
    standing: Standing
    grading: Grading
    next_run: NextRun | None
    ask_next: Question | None
    benefits: list[GivenBenefit]
    findings: list[Finding]


def assess(
    rules: CompiledRuleSet, request: ScoreRequest, *, as_of: date, findings: Iterable[Finding] = ()
) -> Assessment:
    """Scores one runner.

    Args:
        rules: the rule set to score with.
        request: as `read_request` returns it.
        as_of: the runner's local day, resolved.
        findings: doubts found while reading the request; they go first in the answer.

    Raises:
        InvalidInputError: a reported symptom is no red flag of the rule set.
    """
    facts = derive_facts(request, as_of=as_of)
    standing = grounds_of(rules).stand(facts)
    grading = grade(rules, standing, raise_flags(rules, standing))
    has_next_run = not grading.silent and not grading.suspended
    return Assessment(
        rules,
        as_of,
        standing,
        grading,
        plan_next_run(rules, standing, scored=grading.scored) if has_next_run else None,
        _ask(rules, standing, grading),
        fill_in_numbers(grading.benefits, standing),
        [*findings, *note_findings(rules, standing, flags=grading.flags)],
    )


def _ask(rules: CompiledRuleSet, standing: Standing, grading: Grading) -> Question | None:
    """The next question; for runners in the same bands it only depends on which inputs are absent."""
    if not grading.unknown:
        return None
    slots = standing.grounds.ruler_places
    absent = tuple([standing.places[slots[ruler][0]].absent for ruler in grading.unknown])
    if absent not in grading.questions:
        grading.questions[absent] = ask_next(
            rules, standing.masks, unknown=grading.unknown, absent=absent, totals=grading.open
        )
    return grading.questions[absent]


def grade(rules: CompiledRuleSet, standing: Standing, flags: list[Flag]) -> Grading:
    """Grades a standing, or finds what was graded before for the same bands; the memory is bounded, and no runner's."""
    kept = cast(dict[object, Grading], rules.carried.setdefault("gradings", {}))
    comparison, screened = _comparison(standing.facts), _is_screened(standing.facts.runner)
    key = (tuple(standing.masks), standing.bits, comparison, screened, tuple([flag.id for flag in flags]))
    grading = kept.get(key)
    if grading is None:
        if len(kept) >= GRADINGS_MAX:
            kept.clear()
        grading = kept[key] = _grade_anew(rules, standing, flags, comparison=comparison, screened=screened)
    return grading


def _grade_anew(
    rules: CompiledRuleSet, standing: Standing, flags: list[Flag], *, comparison: Comparison, screened: bool
) -> Grading:
    bits = standing.bits | grounds_of(rules).conditions.bits_of_flags(flags)
    joints = {
        joint: _assess_joint(
            rules, tables, standing.masks, status=_status_by_flags(joint, flags), comparison=comparison
        )
        for joint, tables in rules.joints.items()
    }
    scored = {joint: assessed.totals for joint, assessed in joints.items() if assessed.status == "scored"}
    suspended = [joint for joint, assessed in joints.items() if assessed.status == "suspended"]
    referral_alone = any(URGENCY_RANK[flag.urgency] >= URGENCY_RANK["prompt"] for flag in flags)
    silent = referral_alone or any(flag.effect == "not_assess" for flag in flags)
    return Grading(
        joints=joints,
        scored=scored,
        open={joint: assessed.totals for joint, assessed in joints.items() if joint not in suspended},
        suspended=suspended,
        silent=silent,
        summary_joint=None if referral_alone else _highest(joints),
        comparison=comparison,
        screened=screened,
        flags=flags,
        bits=bits,
        advice=[] if silent else give_advice(rules, standing.masks, bits=bits, suspended=suspended, totals=scored),
        benefits=[] if silent else benefits_for(rules, bits),
        weak_evidence_share=_weak_evidence_share(joints),
        unknown=unknown_rulers(rules, standing.masks, [joint for joint in joints if joint not in suspended]),
        questions={},
        written={},
    )


def _assess_joint(
    rules: CompiledRuleSet,
    tables: JointTables,
    masks: Sequence[int],
    *,
    status: JointStatus,
    comparison: Comparison,
) -> JointAssessment:
    totals = add_up(tables, masks)
    span = totals.high - totals.low
    known_share = (tables.full_span - span) / tables.full_span if tables.full_span else 1.0
    if status == "scored" and not is_assessed(rules, tables, totals):
        status = "not_assessed"
    if status == "suspended":
        return JointAssessment(status, totals, None, None, None, None, known_share, None, None)
    low, high = print_score(totals.low), print_score(totals.high)
    if status == "not_assessed":
        return JointAssessment(status, totals, None, (low, high), None, None, known_share, None, None)
    score = print_score(totals.raw)
    risk = _relative_risk(totals)
    average = _average_rate(rules, tables.joint, comparison)
    rate = RateRange(average.average, average.low * risk.estimate, average.high * risk.estimate)
    level_of = rules.level_of
    return JointAssessment(
        status, totals, score, (low, high), level_of[score], level_of[low] == level_of[high], known_share, risk, rate
    )


def _highest(joints: Mapping[JointId, JointAssessment]) -> JointId | None:
    """The scored joint with the highest printed score; of equals the first."""
    highest: JointId | None = None
    most = -1
    for joint, assessed in joints.items():
        if assessed.score is not None and assessed.score > most:
            highest, most = joint, assessed.score
    return highest


def _relative_risk(totals: Totals) -> RelativeRisk:
    clipped = min(max(totals.raw, 0), 10_000)
    estimate = 2.0 ** ((clipped - AVERAGE_HUNDREDTHS) / (POINTS_PER_DOUBLING * 100))
    factor = 2.0 ** (Z_95 * sqrt(totals.variance))
    return RelativeRisk(estimate, estimate / factor, estimate * factor)


def _status_by_flags(joint: JointId, flags: Sequence[Flag]) -> JointStatus:
    if not flags:
        return "scored"
    effects = {flag.effect for flag in flags if flag.joint in (joint, "whole_body")}
    if "suspend" in effects:
        return "suspended"
    return "not_assessed" if "not_assess" in effects else "scored"


def _comparison(facts: Facts) -> Comparison:
    years = facts.runner.running_years
    if years is None:
        return "unknown"
    return "first_year" if thousandths(years) < NOVICE_YEARS * 1000 else "experienced"


def _average_rate(rules: CompiledRuleSet, joint: JointId, comparison: Comparison) -> RateRange:
    """The comparison group's rate; with the experience unknown, the others' average and the spread over both groups."""
    first_year = rules.document.rates.first_year.joints[joint]
    others = rules.document.rates.experienced.joints[joint]
    own = first_year if comparison == "first_year" else others
    high = others.high if comparison == "experienced" else first_year.high
    return RateRange(float(own.average), float(own.low), float(high))


def _is_screened(runner: Runner) -> bool:
    knee, back = runner.knee, runner.lower_back
    return knee is not None and knee.symptoms is not None and back is not None and back.symptoms is not None


def _weak_evidence_share(joints: Mapping[JointId, JointAssessment]) -> float:
    applied = weak = 0
    for assessed in joints.values():
        if assessed.status != "suspended":
            applied += assessed.totals.applied
            weak += assessed.totals.weak
    return weak / applied if applied else 0.0
