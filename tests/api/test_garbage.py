"""Whatever comes in, the answer is a score or a problem: never a 500, never another shape."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.service import Service, ensure_problem, example

# The fixture is shared on purpose: a service that remembered anything of a call would show it here.
FEW = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None, derandomize=True
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(["2026-11-20", "never"])
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@st.composite
def damaged_requests(draw: st.DrawFn) -> dict[str, Any]:
    """The example runner with something anywhere in it replaced, added or taken away."""
    request = example()
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = request
        while True:
            places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not places:
                break
            place = draw(st.sampled_from(places))
            if isinstance(holder[place], dict | list) and draw(st.booleans()):
                holder = holder[place]
                continue
            match draw(st.sampled_from(["replace", "add", "take away"])):
                case "add" if isinstance(holder, dict):
                    holder[draw(st.text(max_size=8))] = draw(JSON)
                case "take away":
                    del holder[place]
                case _:
                    holder[place] = draw(JSON)
            break
    return request


def ensure_scored_or_refused(service: Service, body: bytes) -> None:
    for headers in ({}, {"Prefer": "handling=lenient"}):
        answer = service.score(body, headers=headers)
        if answer.status_code != 200:
            ensure_problem(answer, 422, "invalid-input")


@FEW
@given(request=damaged_requests())
def test_a_damaged_request_is_scored_or_refused(shared_service: Service, request: dict[str, Any]) -> None:
    ensure_scored_or_refused(shared_service, json.dumps(request).encode())


@FEW
@given(body=st.binary(max_size=200) | JSON.map(lambda told: json.dumps(told).encode()))
def test_any_bytes_are_scored_or_refused(shared_service: Service, body: bytes) -> None:
    ensure_scored_or_refused(shared_service, body)


@FEW
@given(query=st.text(alphabet=st.characters(max_codepoint=255), max_size=40))
def test_any_query_is_understood_or_refused(shared_service: Service, query: str) -> None:
    answer = shared_service.get(f"/v1/rule-sets?{quote(query, safe='&=;%+', encoding='latin-1')}")

    assert answer.status_code in (200, 400, 422)
