"""Writes an assessment as the answer that goes over the wire, in three sizes, with its receipt.

`codes` is joined in RFC 8785 form (members sorted), because its digest is the receipt: no prose is in it, so a better
sentence breaks no old receipt. `full` adds titles, texts, published effects and sources; `scores` is the least.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, cast

from app import __version__
from app.runners import JointId
from app.scoring.advice import GivenBenefit
from app.scoring.compiled import JointTables
from app.scoring.engine import Assessment, Grading, JointAssessment
from app.scoring.next_steps import NextRun, Question
from app.scoring.numerals import quote, write_hundredths, write_number, write_thousandths
from app.scoring.rule_set import Flag
from app.scoring.wording import Contribution, Wording, wording_of

Detail = Literal["full", "codes", "scores"]


class _Numbers(NamedTuple):
    """The numbers of one joint as every size of answer shows them, each with its name; `level` is two members."""

    score: str
    score_range: str
    level: str
    known_share: str
    relative_risk: str
    rate: str


class _CodesPieces(NamedTuple):
    """The codes answer, but for what follows from one runner alone: members go between the pieces."""

    advice: bytes
    joints: bytes
    rest: bytes


class _FullPieces(NamedTuple):
    """The full answer, but for what follows from one runner alone.

    Attributes:
        joints: pieces with an empty one wherever a reading goes.
        readings: index of each empty piece, and the ruler whose reading goes there.
        weak_evidence: from `weak_evidence_share` to where the sources begin.
        cited: the sources, where every benefit that applies is given.
    """

    joints: list[bytes]
    readings: list[tuple[int, int]]
    advice: bytes
    referral: str
    weak_evidence: str
    cited: bytes


def render(assessment: Assessment, *, detail: Detail = "full", language: str = "en") -> bytes:
    """The answer as UTF-8 JSON.

    Args:
        language: of the texts; English where the rule set does not speak it.
    """
    wording = wording_of(assessment.rules, language)
    if detail == "scores":
        return _write_scores(assessment, wording)
    next_run = _write_next_run(assessment.next_run)
    codes = _write_codes(assessment, wording, next_run)
    receipt = (
        f'"receipt":{{"answer_digest":"sha256:{hashlib.sha256(codes).hexdigest()}","covers":"numbers",'
        f'"as_of":"{assessment.as_of}","min_evidence":{_id_or_null(assessment.rules.min_evidence)},'
        f'"service_version":"{__version__}"}}'
    )
    if detail == "codes":
        return b"".join((codes[:-1], b",", receipt.encode(), b"}"))
    return _write_full(assessment, wording, next_run, receipt)


def answer_digest(assessment: Assessment) -> str:
    """`sha256:` over the canonical `codes` answer without receipt: the same for the same numbers in any words."""
    codes = _write_codes(assessment, wording_of(assessment.rules, "en"), _write_next_run(assessment.next_run))
    return f"sha256:{hashlib.sha256(codes).hexdigest()}"


def _write_numbers(assessed: JointAssessment) -> _Numbers:
    certain = "null" if assessed.level_certain is None else "true" if assessed.level_certain else "false"
    span = assessed.score_range
    risk = assessed.relative_risk
    rate = assessed.rate
    return _Numbers(
        f'"score":{_write(assessed.score)}',
        f'"score_range":[{span[0]},{span[1]}]' if span else '"score_range":null',
        f'"level":{_id_or_null(assessed.level)},"level_certain":{certain}',
        f'"known_share":{write_number(assessed.known_share)}',
        f'"relative_risk":{{"estimate":{write_number(risk.estimate)},"high":{write_number(risk.high)},'
        f'"low":{write_number(risk.low)}}}'
        if risk
        else '"relative_risk":null',
        f'"rate_per_1000_h":{{"average":{write_number(rate.average)},"high":{_round_rate(rate.high)},'
        f'"low":{_round_rate(rate.low)}}}'
        if rate
        else '"rate_per_1000_h":null',
    )


def _write_codes(assessment: Assessment, wording: Wording, next_run: str) -> bytes:
    """The codes answer without its receipt, members sorted as RFC 8785 wants them."""
    kept = assessment.grading.written
    pieces = kept.get("codes")
    if pieces is None:
        pieces = kept["codes"] = _codes_pieces(assessment, wording)
    advice, joints, rest = cast(_CodesPieces, pieces)
    benefits = ",".join([
        f'{{"id":"{benefit.id}","numbers":{_write_map(dict(sorted(numbers.items())))}}}'
        if numbers
        else wording.benefit_code[benefit.id]
        for benefit, numbers in assessment.benefits
    ])  # fmt: skip
    findings = ",".join([
        f'{{"code":"{finding.code}","pointer":{quote(finding.pointer)},"severity":"{finding.severity}"}}'
        for finding in assessment.findings
    ])  # fmt: skip
    told = (
        f'"as_of":"{assessment.as_of}","ask_next":{_write_question(assessment.ask_next)},"benefits":[{benefits}],'
        f'"findings":[{findings}],'
    )
    return b"".join((advice, told.encode(), joints, next_run.encode(), rest))


def _codes_pieces(assessment: Assessment, wording: Wording) -> _CodesPieces:
    grading = assessment.grading
    advice = ",".join(
        f'{{"because":{_write_ids(given.because)},"id":"{given.advice.id}","joints":{_write_ids(given.joints)},'
        f'"similar_runner_score":{_write_map(given.similar_scores)}}}'
        for given in grading.advice
    )
    joints = [b'"joints":{']
    comma = ""
    for joint, assessed in grading.joints.items():
        tables = assessment.rules.joints[joint]
        numbers = _write_numbers(assessed)
        joints.append(f'{comma}"{joint}":{{"base":{write_hundredths(tables.base)},"contributions":['.encode())
        joints += [shown.codes for shown in _contributions(assessment, wording, tables, assessed)]
        joints.append(
            f"],{numbers.known_share},{numbers.level},{numbers.rate},{numbers.relative_risk},"
            f'{numbers.score},{numbers.score_range},"status":"{assessed.status}"}}'.encode()
        )
        comma = ","
    joints.append(b'},"next_run":')
    best = grading.summary_joint
    summary = grading.joints[best] if best else None
    rest = (
        f',"referral":{_write_referral_in_codes(grading)},"rule_set":{wording.rule_set_sorted},'
        f'"summary":{{"joint":{_id_or_null(best)},"level":{_id_or_null(summary.level if summary else None)},'
        f'"score":{_write(summary.score if summary else None)}}},'
        f'"weak_evidence_share":{write_number(grading.weak_evidence_share)}}}'
    )
    return _CodesPieces(f'{{"advice":[{advice}],'.encode(), b"".join(joints), rest.encode())


def _contributions(
    assessment: Assessment, wording: Wording, tables: JointTables, assessed: JointAssessment
) -> list[Contribution]:
    """The contributions of one joint, in document order."""
    shown: list[Contribution] = []
    for number, index in enumerate(assessed.totals.entries):
        shown += wording.group(tables.joint, number, index)
    for position, ruler in tables.excluded:
        shown.append(wording.excluded(tables.joint, position, assessment.standing.masks[ruler]))
    return sorted(shown, key=lambda contribution: contribution.position)


def _write_scores(assessment: Assessment, wording: Wording) -> bytes:
    kept = assessment.grading.written
    rest = kept.get("scores")
    if rest is None:
        rest = kept["scores"] = _after_the_day(assessment.grading, wording)
    return f'{{"as_of":"{assessment.as_of}",{rest}'.encode()


def _after_the_day(grading: Grading, wording: Wording) -> str:
    """The scores answer but for its beginning: all of it follows from where a runner stands."""
    joints = ",".join(
        f'"{joint}":{{"status":"{assessed.status}",{numbers.score},{numbers.score_range},{numbers.level},'
        f"{numbers.known_share},{numbers.relative_risk}}}"
        for joint, assessed in grading.joints.items()
        for numbers in (_write_numbers(assessed),)
    )
    referral = _write_referral_in_codes(grading)
    return f'"joints":{{{joints}}},"referral":{referral},"rule_set":{wording.rule_set}}}'


def _write_full(assessment: Assessment, wording: Wording, next_run: str, receipt: str) -> bytes:
    grading = assessment.grading
    pieces = grading.written.get(wording.language)
    if pieces is None:
        pieces = grading.written[wording.language] = _full_pieces(assessment, wording)
    joints, readings, advice, referral, weak_evidence, cited = cast(_FullPieces, pieces)
    written = assessment.standing.written()
    answer = [f'{{"as_of":"{assessment.as_of}",'.encode(), *joints]
    for place, ruler in readings:
        answer[place] = written[ruler]
    benefits = ",".join([
        wording.benefit(benefit, numbers, _write_map(numbers) if numbers else "{}")
        for benefit, numbers in assessment.benefits
    ])  # fmt: skip
    findings = ",".join([
        f'{{"severity":"{finding.severity}","code":"{finding.code}","pointer":{quote(finding.pointer)},'
        f'"message":{quote(finding.message)}}}'
        for finding in assessment.findings
    ])  # fmt: skip
    if len(assessment.benefits) < len(grading.benefits):
        cited = wording.cite(_cited(grading, assessment.benefits))
    answer += (
        advice,
        f'"next_run":{next_run},"ask_next":{_write_question(assessment.ask_next)},"benefits":[{benefits}],'
        f'"referral":{referral},"findings":[{findings}],{weak_evidence}'.encode(),
        wording.always_cited,
        cited,
        f'}},"rule_set":{wording.rule_set},{receipt},"notice":{wording.notice}}}'.encode(),
    )
    return b"".join(answer)


def _full_pieces(assessment: Assessment, wording: Wording) -> _FullPieces:
    grading = assessment.grading
    joints = [f'"summary":{_write_summary(grading, wording)},"joints":{{'.encode()]
    readings: list[tuple[int, int]] = []
    comma = ""
    for joint, assessed in grading.joints.items():
        tables = assessment.rules.joints[joint]
        numbers = _write_numbers(assessed)
        joints.append(
            f'{comma}"{joint}":{{"status":"{assessed.status}",{numbers.score},{numbers.score_range},{numbers.level},'
            f'{numbers.known_share},"base":{write_hundredths(tables.base)},{numbers.relative_risk},{numbers.rate},'
            f'"contributions":['.encode()
        )
        for shown in _contributions(assessment, wording, tables, assessed):
            readings.append((len(joints) + 2, shown.ruler))  # after the head; one piece stands before all of these
            joints += (shown.head, b"", shown.tail)  # shared with every other answer, so not joined here
        joints.append(b"]}")
        comma = ","
    advice = b"".join((b'},"advice":[', *_write_advice(grading, wording), b"],"))
    weak_evidence = f'"weak_evidence_share":{write_number(grading.weak_evidence_share)},"sources":{{'
    cited = wording.cite(_cited(grading, grading.benefits))
    return _FullPieces(joints, readings, advice, _write_referral(grading, wording), weak_evidence, cited)


def _cited(grading: Grading, benefits: Iterable[GivenBenefit]) -> Iterator[str]:
    """The sources of what is said besides the factors, in the order of the answer."""
    for given in grading.advice:
        yield from given.advice.sources
    for flag in grading.flags:
        yield from flag.sources
    for benefit, _ in benefits:
        yield from benefit.sources


def _write_advice(grading: Grading, wording: Wording) -> list[bytes]:
    written: list[bytes] = []
    for given in grading.advice:
        category, after_joints, after_scores = wording.advice(given.advice)
        if written:
            written.append(b",")
        written += (
            category,
            _write_ids(given.joints).encode(),
            after_joints,
            f'{_write_ids(given.because)},"similar_runner_score":{_write_map(given.similar_scores)}'.encode(),
            after_scores,
        )
    return written


def _write_summary(grading: Grading, wording: Wording) -> str:
    best = grading.summary_joint
    summary = grading.joints[best] if best else None
    level = summary.level if summary else None
    effects = ("suspend", "not_assess")
    referring = next((flag for effect in effects for flag in grading.flags if flag.effect == effect), None)
    if referring is not None:
        headline = wording.refer(referring)
    elif best is None or level is None:
        headline = wording.say(wording.rules.document.texts.headline_not_assessed)
    else:
        headline = wording.headline(level, best, grading.comparison)
    return (
        f'{{"level":{_id_or_null(level)},"score":{_write(summary.score if summary else None)},'
        f'"joint":{_id_or_null(best)},"headline":{headline},'
        f'"compared_with":{wording.compared_with_quoted[grading.comparison]}}}'
    )


def _reasons(grading: Grading) -> list[Flag]:
    return [flag for flag in grading.flags if flag.urgency is not None]


def _urgency(grading: Grading, reasons: list[Flag]) -> str:
    if reasons:
        return f'"{reasons[0].urgency}"'
    return '"none"' if grading.screened else "null"


def _write_referral(grading: Grading, wording: Wording) -> str:
    reasons = _reasons(grading)
    written = ",".join(
        f'{{"id":"{flag.id}","joint":{_write_joint_of(flag)},"text":{wording.say(flag.text)},'
        f'"action":{wording.say(flag.action)}}}'
        for flag in reasons
    )
    screened = "true" if grading.screened else "false"
    return f'{{"screened":{screened},"urgency":{_urgency(grading, reasons)},"reasons":[{written}]}}'


def _write_referral_in_codes(grading: Grading) -> str:
    reasons = _reasons(grading)
    written = ",".join(f'{{"id":"{flag.id}","joint":{_write_joint_of(flag)}}}' for flag in reasons)
    screened = "true" if grading.screened else "false"
    return f'{{"reasons":[{written}],"screened":{screened},"urgency":{_urgency(grading, reasons)}}}'


def _write_joint_of(flag: Flag) -> str:
    return "null" if flag.joint == "whole_body" else f'"{flag.joint}"'


def _write(number: int | None) -> str:
    return "null" if number is None else str(number)


def _id_or_null(id_: str | None) -> str:
    """An id, which is plain by its pattern, quoted; or null."""
    return "null" if id_ is None else f'"{id_}"'


def _write_ids(ids: Iterable[str]) -> str:
    joined = '","'.join(ids)
    return f'["{joined}"]' if joined else "[]"


def _write_map(numbers: Mapping[str, int] | Mapping[JointId, int] | None) -> str:
    """Whole numbers by id, in the order given; joints are always given in sorted order."""
    if not numbers:
        return "null" if numbers is None else "{}"
    return "{" + ",".join([f'"{name}":{number}' for name, number in numbers.items()]) + "}"


def _write_question(question: Question | None) -> str:
    return "null" if question is None else f'{{"field":"{question.field}","narrows":{_write_map(question.narrows)}}}'


def _round_rate(rate: float) -> str:
    """A rate without false precision: whole from 1 up, one significant figure below."""
    return str(round(rate)) if rate >= 1 else write_number(float(f"{rate:.1g}"))


def _write_next_run(next_run: NextRun | None) -> str:
    if next_run is None:
        return "null"
    planned = "null" if next_run.planned_mm is None else write_thousandths(next_run.planned_mm)
    within = "null" if next_run.within_reference is None else "true" if next_run.within_reference else "false"
    scores = ",".join(f'"{joint}":{_write(score)}' for joint, score in next_run.scores_if_run.items())
    return (
        f'{{"longest_in_reference_m":{_write(next_run.longest_in_reference_m)},"planned_m":{planned},'
        f'"scores_if_run":{{{scores}}},"within_reference":{within}}}'
    )
