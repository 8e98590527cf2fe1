"""The column evaluator and the reference give one answer for any runner, in any form, under any rule set."""

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generative.many_runners import FORMS, changed_documents, disagreements, runners_of
from tests.generative.strategies import documents, requests_for
from tests.oracle.service import MinEvidence, compile_document, shipped_rules

# `make equality` runs 100,000 and more; a seeded share runs with every test.
RUNNERS = int(os.environ.get("EQUALITY_RUNNERS", "6000"))
BATCH = 500


def seeds(share: float) -> range:
    """One seed for each batch of this share of all runners, at least one."""
    return range(max(1, round(RUNNERS * share / BATCH)))


@pytest.mark.parametrize("least", [None, "low", "moderate"])
def test_columns_agree_with_the_reference_under_the_shipped_rules(least: MinEvidence) -> None:
    for seed in seeds(0.5 if least is None else 0.1):
        chance = Random(f"{seed}/{least}")

        assert disagreements(shipped_rules(least), runners_of(chance, BATCH), form=FORMS[seed % 3])[:3] == []


def test_columns_agree_with_the_reference_under_changed_rules() -> None:
    chance = Random(7)
    for seed, document in zip(seeds(0.2), changed_documents(chance), strict=False):
        rules = compile_document(document)

        assert disagreements(rules, runners_of(chance, BATCH), form=FORMS[seed % 3])[:3] == []


@settings(max_examples=max(10, RUNNERS // 300))
@given(data=st.data())
def test_columns_agree_with_the_reference_on_any_small_rule_set(data: st.DataObject) -> None:
    document = data.draw(documents())
    rules = compile_document(document)
    chance = Random(data.draw(st.integers(0, 2**32)))
    requests = [*runners_of(chance, 20), *(data.draw(requests_for(document)) for _ in range(5))]

    assert disagreements(rules, requests, form=chance.choice(FORMS))[:3] == []
