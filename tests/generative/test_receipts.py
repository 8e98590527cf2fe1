"""Whoever the runner, the answer is had again; and whichever number of it is altered is named."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.receipts import Verdict, read_answer, verify_answer
from tests.generative.strategies import Request, requests
from tests.oracle.service import TODAY, answer_bytes, shipped_rules
from tests.unit.test_receipts import altered, leaves


@pytest.mark.parametrize("detail", ["full", "codes"])
@settings(max_examples=settings().max_examples // 10)  # each is four answers read and written
@given(request=requests(), drawn=st.data())
def test_every_answer_is_the_same_until_a_number_of_it_is_altered(
    detail: Any, request: Request, drawn: st.DataObject
) -> None:
    body = json.dumps(request).encode()
    answered = answer_bytes(shipped_rules(), body, detail=detail)
    told = read_answer(body, answered)
    assert verify_answer(shipped_rules(), told, today=TODAY) == Verdict(True, [])

    answer = json.loads(answered)
    places = list(leaves(answer))
    place, owner, name, leaf = places[drawn.draw(st.integers(0, len(places) - 1))]
    owner[name] = altered(leaf)
    changed = told.model_copy(update={"answer": copy.deepcopy(answer)})
    assert verify_answer(shipped_rules(), changed, today=TODAY) == Verdict(False, [place])
