"""The real service as the tests meet it: a request in, the bytes of the answer out."""

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel

from app.features import FEATURES
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.runners import ScoreRequest, read_request
from app.scoring.assessment import render
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from tests.oracle.agreement import differences
from tests.oracle.scores import Oracle

TODAY: Final = date(2026, 11, 23)
DECIMALS: Final = {feature_id: feature.decimals for feature_id, feature in FEATURES.items()}
INPUTS: Final = {feature_id: feature.inputs for feature_id, feature in FEATURES.items()}

MinEvidence = Literal["low", "moderate"] | None


def compile_document(document: Mapping[str, Any], *, min_evidence: MinEvidence = None) -> CompiledRuleSet:
    """A document as the service would hold it in memory."""
    digest = digest_of(canonical_bytes(dict(document)))
    model = RuleSetDocument.model_validate(document)
    return compile_rule_set(model, version="2026.1", digest=digest, min_evidence=min_evidence)


@cache
def shipped_document() -> dict[str, Any]:
    """The document of `2026.1`."""
    return published_document("2026.1")


@cache
def shipped_rules(min_evidence: MinEvidence = None) -> CompiledRuleSet:
    """`2026.1`, compiled."""
    return compile_document(shipped_document(), min_evidence=min_evidence)


@cache
def shipped_oracle(min_evidence: MinEvidence = None) -> Oracle:
    """`2026.1`, read slowly."""
    return Oracle(shipped_document(), decimals=DECIMALS, min_evidence=min_evidence)


def answer_bytes(rules: CompiledRuleSet, body: bytes, *, detail: Literal["full", "codes", "scores"] = "full") -> bytes:
    """What the service answers to the bytes of a request."""
    request, as_of, findings = read_request(body, today=TODAY, unknown_fields="refuse")
    return render(assess(rules, request, as_of=as_of, findings=findings), detail=detail)


def answer(
    rules: CompiledRuleSet, request: Mapping[str, Any], *, detail: Literal["full", "codes", "scores"] = "full"
) -> dict[str, Any]:
    """What the service answers to a request, read back."""
    answered: dict[str, Any] = json.loads(answer_bytes(rules, json.dumps(request).encode(), detail=detail))
    return answered


def pointers_of(model: type[BaseModel], stem: str = "") -> list[str]:
    """Every field of the request, in the order in which the model declares them."""
    found = []
    for name, field in model.model_fields.items():
        found.append(f"{stem}/{name}")
        parts = [part for part in (field.annotation, *get_args(field.annotation)) if isinstance(part, type)]
        for part in parts:
            if issubclass(part, BaseModel):
                found += pointers_of(part, f"{stem}/{name}")
    return found


REQUEST_ORDER: Final = tuple(pointers_of(ScoreRequest))


def disagreements(answered: Mapping[str, Any], request: Mapping[str, Any], oracle: Oracle) -> list[str]:
    """Where an answer is not what the oracle says."""
    return differences(answered, request, oracle, inputs=INPUTS, order=REQUEST_ORDER)
