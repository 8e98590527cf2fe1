"""The engine and the oracle were written from one text by two people, and give one answer."""

from hypothesis import given
from hypothesis import strategies as st

from tests.generative.strategies import Request, documents, requests, requests_for
from tests.oracle.scores import Oracle
from tests.oracle.service import (
    DECIMALS,
    MinEvidence,
    answer,
    compile_document,
    disagreements,
    shipped_oracle,
    shipped_rules,
)


@given(request=requests())
def test_the_engine_agrees_with_the_oracle_on_any_runner(request: Request) -> None:
    assert disagreements(answer(shipped_rules(), request), request, shipped_oracle()) == [], request


@given(request=requests(flagged=False), least=st.sampled_from(("low", "moderate")))
def test_the_engine_agrees_with_the_oracle_without_the_weaker_evidence(request: Request, least: MinEvidence) -> None:
    answered = answer(shipped_rules(least), request)

    assert disagreements(answered, request, shipped_oracle(least)) == [], request


@given(data=st.data())
def test_the_engine_agrees_with_the_oracle_on_any_small_rule_set(data: st.DataObject) -> None:
    document = data.draw(documents())
    request = data.draw(requests_for(document))

    answered = answer(compile_document(document), request)

    assert disagreements(answered, request, Oracle(document, decimals=DECIMALS)) == [], (request, document)
