"""A quick look at what `tests/generative/test_columns_agree.py` looks at closely: columns equal the reference."""

from itertools import islice
from random import Random

import pytest

from app.scoring.compiled import CompiledRuleSet
from tests.generative.many_runners import FORMS, changed_documents, disagreements, expected_row, runners_of
from tests.oracle.service import compile_document, shipped_rules

CHANGED = [compile_document(document) for document in islice(changed_documents(Random(1)), 3)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rules", [shipped_rules(), shipped_rules("moderate"), *CHANGED])
def test_every_column_says_what_the_reference_says(rules: CompiledRuleSet, form: type) -> None:
    assert disagreements(rules, runners_of(Random(11), 120), form=form)[:3] == []


def test_a_row_that_differs_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = runners_of(Random(11), 20)
    told = {**expected_row(shipped_rules(), requests[0]), "knee_score_low": -1}
    monkeypatch.setattr("tests.generative.many_runners.expected_row", lambda rules, request: told)

    assert len(disagreements(shipped_rules(), requests, form=FORMS[0])) > 20
