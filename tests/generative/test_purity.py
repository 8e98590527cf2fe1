"""The same runner on the same day under the same rules is answered with the same bytes, and the receipt proves it."""

import hashlib
import json
from datetime import timedelta
from random import Random
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from app.runners import read_request
from app.scoring.assessment import render
from app.scoring.compiled import CompiledRuleSet
from app.scoring.engine import assess
from tests.generative.strategies import Request, documents, requests, requests_for
from tests.oracle.service import TODAY, answer, answer_bytes, compile_document, shipped_document, shipped_rules


def shuffled(told: Any, chance: Random) -> Any:
    """The same JSON with the members of every object in another order; lists stay as they are."""
    if isinstance(told, dict):
        names = list(told)
        chance.shuffle(names)
        return {name: shuffled(told[name], chance) for name in names}
    return [shuffled(part, chance) for part in told] if isinstance(told, list) else told


@given(request=requests(), chance=st.randoms(use_true_random=False), later=st.integers(0, 4000))
def test_nothing_but_rules_request_and_day_changes_an_answer(request: Request, chance: Random, later: int) -> None:
    body = json.dumps(request).encode()
    first = answer_bytes(shipped_rules(), body)

    otherwise = json.dumps(shuffled(request, chance), indent=chance.choice((None, 3)), ensure_ascii=False).encode()
    read, as_of, findings = read_request(otherwise, today=TODAY + timedelta(days=later), unknown_fields="refuse")

    assert render(assess(shipped_rules(), read, as_of=as_of, findings=findings), detail="full") == first


def test_rules_compiled_anew_answer_alike() -> None:
    request = {"runner": {"running_years": 3, "sleep_hours": 6}, "training": {}}

    assert answer(compile_document(shipped_document()), request) == answer(shipped_rules(), request)


@given(request=requests(), chance=st.randoms(use_true_random=False))
def test_the_order_of_sessions_changes_no_answer(request: Request, chance: Random) -> None:
    def but_findings(answered: dict[str, Any]) -> dict[str, Any]:
        # A finding names the place of the session, and the receipt covers the findings.
        kept = {name: told for name, told in answered.items() if name not in {"findings", "receipt"}}
        return {**kept, "findings": sorted(found["code"] for found in answered["findings"])}

    first = but_findings(answer(shipped_rules(), request, detail="codes"))
    if request["training"].get("sessions"):
        chance.shuffle(request["training"]["sessions"])

    assert but_findings(answer(shipped_rules(), request, detail="codes")) == first


def assert_receipt_holds(rules: CompiledRuleSet, request: Request) -> None:
    codes = answer(rules, request, detail="codes")
    receipt = codes.pop("receipt")
    assert receipt["answer_digest"] == "sha256:" + hashlib.sha256(rfc8785.dumps(codes)).hexdigest()
    assert answer(rules, request, detail="full")["receipt"] == receipt


@given(request=requests())
def test_the_receipt_is_the_digest_of_the_canonical_codes_answer(request: Request) -> None:
    assert_receipt_holds(shipped_rules(), request)


@given(data=st.data())
def test_the_receipt_holds_under_any_small_rule_set(data: st.DataObject) -> None:
    document = data.draw(documents())
    assert_receipt_holds(compile_document(document), data.draw(requests_for(document)))
