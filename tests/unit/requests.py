"""Requests written as on the wire, and what comes of them: read, scored and answered without a server."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest

from app.errors import InvalidInputError
from app.features import FEATURES, Reading, derive_facts
from app.rule_sets.documents import published_document
from app.runners import Finding, JointId, ScoreRequest, UnknownFields, read_request
from app.runners.requests import ReadRequest
from app.scoring.assessment import Detail, render
from app.scoring.coherence import document_faults
from app.scoring.compiled import CompiledRuleSet, MinEvidence, compile_rule_set
from app.scoring.engine import Assessment, assess
from app.scoring.rule_set import RuleSetDocument

Json = dict[str, Any]
Change = Callable[[Json], object]

TODAY = date(2026, 11, 23)
DIGEST = "sha256:" + "0" * 64


# --- the request -----------------------------------------------------------------------------------------------------


def wire(runner: Json | None = None, training: Json | None = None, **top: Any) -> Json:
    """A request of the fixed day."""
    return {"as_of": str(TODAY), "runner": runner or {}, "training": training or {}, **top}


def day(age: int) -> str:
    """The day this many days before the fixed day; a negative age is still to come."""
    return str(TODAY - timedelta(days=age))


def run(age: int, distance_m: float | None = None, **more: Any) -> Json:
    """A session of this many days ago."""
    distance = {} if distance_m is None else {"distance_m": distance_m}
    return {"started_on": day(age), **distance, **more}


def log(*sessions: Json, since: int | None = 60, **more: Any) -> Json:
    """A training log, by default complete for the last 60 days."""
    observed = {} if since is None else {"observed_from": day(since)}
    return {"sessions": list(sessions), **observed, **more}


def read(request: Json | bytes, *, today: date = TODAY, unknown_fields: UnknownFields = "refuse") -> ReadRequest:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return read_request(body, today=today, unknown_fields=unknown_fields)


def faults(
    request: Json | bytes, *, today: date = TODAY, unknown_fields: UnknownFields = "refuse"
) -> list[tuple[str, str]]:
    """Pointer and code of every fault that the request is refused for."""
    with pytest.raises(InvalidInputError) as refused:
        read(request, today=today, unknown_fields=unknown_fields)
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def doubts(request: Json, *, today: date = TODAY) -> list[tuple[str, str]]:
    """Pointer and code of every finding of reading a request that can be scored."""
    return [(finding.pointer, finding.code) for finding in read(request, today=today).findings]


def reading(feature: str, request: Json) -> Reading:
    """What a feature answers for this request."""
    asked = read(request)
    return FEATURES[feature].derive(derive_facts(asked.request, as_of=asked.as_of))


# --- the rule set ----------------------------------------------------------------------------------------------------


def document(change: Change | None = None) -> RuleSetDocument:
    """The rule set 2026.1, with a change made to it as an author would write it."""
    written = copy.deepcopy(_written())
    if change is not None:
        change(written)
    return RuleSetDocument.model_validate(written)


@cache
def _written() -> Json:
    return published_document("2026.1")


def rules(change: Change | None = None, *, min_evidence: MinEvidence | None = None) -> CompiledRuleSet:
    """The rule set 2026.1, changed, compiled anew: nothing that was kept from other runners is in it."""
    return compile_rule_set(document(change), version="2026.1", digest=DIGEST, min_evidence=min_evidence)


def published(min_evidence: MinEvidence | None = None) -> CompiledRuleSet:
    """The rule set 2026.1 as most tests need it: compiled once, with a memory of its own for every test."""
    return replace(_compiled(min_evidence), carried={})


@cache
def _compiled(min_evidence: MinEvidence | None) -> CompiledRuleSet:
    return rules(min_evidence=min_evidence)


def part(written: Json, catalogue: str, id: str) -> Any:
    """One entry of a document's catalogue, to be changed."""
    return next(entry for entry in written[catalogue] if entry["id"] == id)


def band(share: float, effect: float | None = None, **where: Any) -> Json:
    """A band; `effect` is its ratio, with half and double as interval."""
    edge = {name.rstrip("_"): place for name, place in where.items()}
    if effect is None:
        return {**edge, "share": share}
    return {**edge, "share": share, "ratio": effect, "low": effect / 2, "high": effect * 2, "register_row": "made_up"}


def factor(id: str, feature: str, *bands: Json, **more: Any) -> Json:
    """A made-up factor on the knee, of high evidence and in a group of its own; its first band is the reference."""
    if not any(band.get("reference") for band in bands):
        bands = ({**bands[0], "reference": True}, *bands[1:])
    return {
        "id": id,
        "title": f"The factor {id}",
        "feature": feature,
        "worse_when": "higher",
        "modifiable": True,
        "group": id,
        "joints": {"knee": {"grade": "high", "weight": 1}},
        "bands": list(bands),
        "shares_from": "assumed",
        "evidence": {"measure": "HR", "outcome": "any", "sources": ["frandsen-2025"], "checked_on": "2026-11-23"},
        "limits": "Made up.",
        **more,
    }


def of_factors(*factors: Json, min_evidence: MinEvidence | None = None, **parts: Any) -> CompiledRuleSet:
    """A rule set of these factors, sound, with nothing else to say than what `parts` holds."""

    def change(written: Json) -> None:
        nothing: Json = {"advice": [], "flags": [], "benefits": [], "examples": []}
        written.update(nothing, factors=list(factors), **parts)
        written["levels"]["known_share_floor"] = 0

    assert document_faults(document(change)) == []
    return rules(change, min_evidence=min_evidence)


# --- the answer ------------------------------------------------------------------------------------------------------


def assessed(request: Json, *, by: CompiledRuleSet | None = None) -> Assessment:
    asked = read(request)
    return assess(by or published(), asked.request, as_of=asked.as_of, findings=asked.findings)


def answer(request: Json, *, by: CompiledRuleSet | None = None, detail: Detail = "full", language: str = "en") -> Any:
    """The answer over the wire, parsed."""
    return json.loads(render(assessed(request, by=by), detail=detail, language=language))


def answer_without_door(runner: Json, training: Json | None = None, *, by: CompiledRuleSet | None = None) -> Any:
    """The answer to a request that `read_request` did not see."""
    request = ScoreRequest.model_validate({"runner": runner, "training": training or {}}, strict=False)
    return json.loads(render(assess(by or published(), request, as_of=TODAY)))


def contributions(answered: Json, joint: JointId) -> dict[str, Json]:
    """The contributions of a joint by factor."""
    return {told["factor"]: told for told in answered["joints"][joint]["contributions"]}


def points(answered: Json, joint: JointId) -> dict[str, float]:
    """The points of each factor of a joint that are not 0."""
    return {factor: told["points"] for factor, told in contributions(answered, joint).items() if told["points"]}


def statuses(answered: Json) -> tuple[str, str]:
    """The status of the knee and of the lower back."""
    return answered["joints"]["knee"]["status"], answered["joints"]["lower_back"]["status"]


def advice(answered: Json) -> list[str]:
    """The ids of the advice, in the order given."""
    return [given["id"] for given in answered["advice"]]


def codes(answered: Json | list[Finding]) -> list[str]:
    """The codes of the findings."""
    found = answered["findings"] if isinstance(answered, dict) else [finding.model_dump() for finding in answered]
    return [finding["code"] for finding in found]
