"""Every input that a rule set reads, told so that a form can be built from it and nothing needless is asked."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from app.features import FEATURES
from app.runners import JOINTS, JointId, ScoreRequest
from app.scoring.compiled import CompiledRuleSet
from app.scoring.rule_set import Condition, RuleSetDocument
from app.scoring.wording import text_in

UNITS: tuple[tuple[str, str], ...] = (
    ("hours_per_week", "h a week"),
    ("sessions_per_week", "sessions a week"),
    ("distance_m", "m"),
    ("height_m", "m"),
    ("mass_kg", "kg"),
    ("months_since", "months"),
    ("_years", "years"),
    ("_hours", "h"),
    ("_seconds", "s"),
    ("duration_s", "s"),
    ("pain_now", "0 to 10"),
)
"""Unit of a field by how its name ends."""

HEALTH_FIELDS = (
    "/runner/knee", "/runner/lower_back", "/runner/other_injury", "/runner/symptoms", "/runner/pregnancy",
    "/runner/life_complaint", "/runner/sleep_hours", "/runner/mass_kg", "/runner/height_m", "/runner/core_strength",
    "/runner/plank_seconds", "/runner/posture", "/runner/foot_posture",
)  # fmt: skip
"""Fields that say something about health, by how their pointer begins."""


def describe_inputs(rules: CompiledRuleSet, language: str = "en") -> dict[str, Any]:
    """What `GET /v1/factors` answers.

    Returns:
        `inputs` in request order, each with its meaning, unit, range or choices, what it is used for (score,
        suspension, advice, shown), whether it is about health, how many points it can move each joint (`span`), what
        happens if it is absent, and the factors that read it with their evidence; `red_flags`, the questions to ask.
    """
    return {
        "rule_set": {"version": rules.version, "digest": rules.digest},
        "inputs": [
            _describe(rules, pointer, schema, language)
            for pointer, schema in _fields(ScoreRequest)
            if _uses(rules, pointer)
        ],
        "red_flags": [
            {
                "id": flag.id,
                "joint": None if flag.joint == "whole_body" else flag.joint,
                "field": "/runner/symptoms" if flag.joint == "whole_body" else f"/runner/{flag.joint}/symptoms",
                "question": text_in(flag.question, language),
                "urgency": flag.urgency,
                "sources": flag.sources,
            }
            for flag in rules.document.flags
            if flag.question is not None
        ],
    }


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of the request that holds an answer, with its schema, in request order."""
    properties = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        parts = [
            part
            for part in getattr(field.annotation, "__args__", (field.annotation,))
            if isinstance(part, type) and issubclass(part, BaseModel)
        ]
        if parts:
            yield from _fields(parts[0], f"{prefix}/{name}")
        else:
            yield f"{prefix}/{name}", properties[name]


def _describe(rules: CompiledRuleSet, pointer: str, schema: dict[str, Any], language: str) -> dict[str, Any]:
    told = next((part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"), schema)
    uses = _uses(rules, pointer)
    factors = [
        {
            "factor": pair.factor.id,
            "title": text_in(pair.factor.title, language),
            "joint": joint,
            "evidence": pair.grade,
            "weight": float(pair.weight),
            "contested": pair.factor.contested,
            "sources": pair.factor.evidence.sources,
        }
        for joint in JOINTS
        for pair in rules.joints[joint].pairs
        if pointer in FEATURES[rules.rulers[pair.ruler].feature].inputs
    ]
    return {
        "field": pointer,
        "meaning": schema.get("description", ""),
        "type": told.get("type", "string"),
        "unit": next((unit for ending, unit in UNITS if pointer.endswith(ending)), None),
        "minimum": told.get("minimum"),
        "maximum": told.get("maximum"),
        "choices": told.get("enum", []),
        "used_for": uses,
        "sensitive": pointer.startswith(HEALTH_FIELDS),
        "span": {joint: span for joint in JOINTS if (span := _span(rules, joint, pointer))},
        "if_absent": _if_absent(pointer, uses),
        "factors": factors,
    }


def _uses(rules: CompiledRuleSet, pointer: str) -> list[str]:
    document = rules.document
    scored = {
        rules.rulers[ruler].feature for tables in rules.joints.values() for g in tables.groups for ruler, _ in g.steps
    }
    shown = {ruler.feature for ruler in rules.rulers} - scored
    shown.update(feature for benefit in document.benefits for feature in benefit.numbers)
    uses = {
        "score": scored,
        "suspension": {name for flag in document.flags for name in _read_by(flag.when, document)},
        "advice": {name for advice in document.advice for name in _read_by([*advice.when, *advice.not_when], document)},
        "shown": shown,
    }
    found = [use for use, features in uses.items() if any(pointer in FEATURES[name].inputs for name in features)]
    if pointer.endswith("/symptoms"):
        return ["suspension"]
    if pointer.startswith("/training/planned_run") or pointer in {"/training/observed_from", "/training/time_zone"}:
        return found or ["shown"]
    return found


def _read_by(conditions: list[Condition], document: RuleSetDocument) -> Iterator[str]:
    for condition in conditions:
        if condition.feature is not None:
            yield condition.feature
        for factor in document.factors:
            if factor.id == condition.factor:
                yield from (factor.feature_of(joint) for joint in factor.joints if condition.joint in (None, joint))
        yield from _read_by(condition.all_ or [], document)


def _span(rules: CompiledRuleSet, joint: JointId, pointer: str) -> float:
    """Points between the best and the worst answer, groups added up, of a group the member that moves most."""
    hundredths = 0
    for group in rules.joints[joint].groups:
        moves = [
            max(member.pair.band_points) - min(member.pair.band_points)
            for member in group.members
            if pointer in FEATURES[rules.rulers[member.pair.ruler].feature].inputs
        ]
        hundredths += max(moves, default=0)
    return hundredths / 100


def _if_absent(pointer: str, uses: list[str]) -> str:
    if pointer == "/runner/symptoms":
        return "not_checked"  # `screened` asks for the lists of both joints only (decision 0007)
    if pointer.endswith("/symptoms"):
        return "not_screened"
    if pointer == "/runner/age_years":
        return "scored_as_adult"
    if "score" in uses:
        return "counts_as_average"
    if "suspension" in uses:
        return "not_checked"
    return "no_advice" if "advice" in uses else "not_shown"
