"""Scores runners in Arrow columns: a batch in, a batch out, row by row in the same order.

A row that cannot be scored is refused in its place, with its first fault, and never keeps another from its score.
"""

from datetime import date
from typing import Literal

import pyarrow as pa

from app.errors import InvalidInputError
from app.runners import JOINTS, read_request
from app.runners.columns import ensure_has_runners, read_bodies
from app.scoring.compiled import CompiledRuleSet
from app.scoring.engine import Assessment, assess

Contributions = Literal["left_out", "listed"]

_TEXTS = pa.list_(pa.string())
CONTRIBUTIONS_FIELD = pa.field(
    "contributions",
    pa.list_(
        pa.struct([
            ("joint", pa.string()),
            ("factor", pa.string()),
            ("band", pa.string()),
            ("status", pa.string()),
            ("points_hundredths", pa.int32()),
        ])
    ),
)  # fmt: skip
_OF_A_JOINT: tuple[tuple[str, pa.DataType], ...] = (
    ("status", pa.string()),
    ("score", pa.int16()),
    ("score_low", pa.int16()),
    ("score_high", pa.int16()),
    ("level", pa.string()),
    ("level_certain", pa.bool_()),
    ("known_share", pa.float64()),
    ("relative_risk", pa.float64()),
    ("relative_risk_low", pa.float64()),
    ("relative_risk_high", pa.float64()),
)
_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("id", pa.string()),
    ("as_of", pa.date32()),
    ("rule_set", pa.string()),
    ("digest", pa.string()),
    ("row_status", pa.string()),
    ("problem_code", pa.string()),
    ("problem_pointer", pa.string()),
    *((f"{joint}_{name}", type_) for joint in JOINTS for name, type_ in _OF_A_JOINT),
    ("summary_level", pa.string()),
    ("referral_screened", pa.bool_()),
    ("referral_urgency", pa.string()),
    ("referral_reason_ids", _TEXTS),
    ("advice_ids", _TEXTS),
    ("finding_codes", _TEXTS),
    ("ask_next_field", pa.string()),
    ("longest_in_reference_m", pa.int64()),
)
ANSWER_SCHEMA = pa.schema(_COLUMNS)
"""The columns of every answer (contract 27), in this order, whatever came in."""


def answer_schema(*, contributions: Contributions = "left_out") -> pa.Schema:
    """The schema of the answers; `listed` contributions are one more column, the last."""
    return ANSWER_SCHEMA if contributions == "left_out" else ANSWER_SCHEMA.append(CONTRIBUTIONS_FIELD)


def score_columns(
    rules: CompiledRuleSet,
    batch: pa.RecordBatch,
    *,
    as_of: date | None,
    today: date,
    contributions: Contributions = "left_out",
) -> pa.RecordBatch:
    """Scores every row of a batch.

    Args:
        batch: `id` (optional), `as_of` (optional), and the runners in one of three forms: `request` as JSON text;
            `runner` and `training` as structs as on the wire; or dotted columns such as `runner.age_years`.
        as_of: the day of the score of every row that names none; None takes the default that a request has.
        today: the day in UTC.

    Returns:
        One row for each, in the same order, with the columns of `answer_schema`. Of a refused row only `id`,
        `rule_set`, `digest` and the three columns on its problem are not null.

    Raises:
        InvalidInputError: the batch has no column that could hold runners.
    """
    ensure_has_runners(batch.schema)
    schema = answer_schema(contributions=contributions)
    ids = _ids(batch)
    rows: list[dict[str, object]] = []
    for id_, (body, beside) in zip(ids, read_bodies(batch), strict=True):
        row: dict[str, object] = {"id": id_, "rule_set": rules.version, "digest": rules.digest}
        try:
            request, day, findings = read_request(body, today=today, as_of=beside or as_of)
            assessment = assess(rules, request, as_of=day, findings=findings)
        except InvalidInputError as refused:
            first = refused.faults[0]
            row |= {"row_status": "refused", "problem_code": first.code, "problem_pointer": first.pointer}
        else:
            row |= {"row_status": "assessed", **_row_of(assessment)}
        rows.append(row)
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def _ids(batch: pa.RecordBatch) -> list[str | None]:
    if "id" not in batch.schema.names:
        return [None] * batch.num_rows
    return [None if told is None else str(told) for told in batch.column("id").to_pylist()]


def _row_of(assessment: Assessment) -> dict[str, object]:
    grading = assessment.grading
    row: dict[str, object] = {"as_of": assessment.as_of}
    for joint, assessed in grading.joints.items():
        risk, span = assessed.relative_risk, assessed.score_range
        row |= {
            f"{joint}_status": assessed.status,
            f"{joint}_score": assessed.score,
            f"{joint}_score_low": span[0] if span else None,
            f"{joint}_score_high": span[1] if span else None,
            f"{joint}_level": assessed.level,
            f"{joint}_level_certain": assessed.level_certain,
            f"{joint}_known_share": round(assessed.known_share, 2),
            f"{joint}_relative_risk": round(risk.estimate, 2) if risk else None,
            f"{joint}_relative_risk_low": round(risk.low, 2) if risk else None,
            f"{joint}_relative_risk_high": round(risk.high, 2) if risk else None,
        }
    reasons = [flag for flag in grading.flags if flag.urgency is not None]
    return row | {
        "summary_level": grading.joints[grading.summary_joint].level if grading.summary_joint else None,
        "referral_screened": grading.screened,
        "referral_urgency": reasons[0].urgency if reasons else "none" if grading.screened else None,
        "referral_reason_ids": [flag.id for flag in reasons],
        "advice_ids": [given.advice.id for given in grading.advice],
        "finding_codes": [finding.code for finding in assessment.findings],
        "ask_next_field": assessment.ask_next.field if assessment.ask_next else None,
        "longest_in_reference_m": assessment.next_run.longest_in_reference_m if assessment.next_run else None,
        "contributions": _contributions_of(assessment),
    }


def _contributions_of(assessment: Assessment) -> list[dict[str, object]]:
    rules, masks = assessment.rules, assessment.standing.masks
    listed: list[dict[str, object]] = []
    for joint, tables in rules.joints.items():
        status: dict[int, tuple[str, int]] = {position: ("excluded", 0) for position, _ in tables.excluded}
        for group, index in zip(tables.groups, assessment.grading.joints[joint].totals.entries, strict=True):
            for member, share in zip(group.members, group.entries[index].shares, strict=True):
                status[member.position] = (share.status, share.points)
        for position, pair in enumerate(tables.pairs):
            mask = masks[pair.ruler]
            is_known = bool(mask) and not mask & (mask - 1)
            listed.append({
                "joint": joint,
                "factor": pair.factor.id,
                "band": rules.rulers[pair.ruler].labels[mask.bit_length() - 1] if is_known else None,
                "status": status[position][0],
                "points_hundredths": status[position][1],
            })  # fmt: skip
    return listed
