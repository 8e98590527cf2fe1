"""Whatever the bytes are: an assessment, or every fault by its place, and never anything else."""

import copy
import json
import re
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import InvalidInputError
from tests.generative.strategies import Request, requests
from tests.oracle.scores import JOINTS
from tests.oracle.service import answer_bytes, shipped_rules

POINTER: Final = re.compile(r"(?:/(?:[^/~]|~[01])*)*")
CODE: Final = re.compile(r"[a-z]+(?:-[a-z]+)*")

NUMBERS: Final = st.one_of(
    st.sampled_from((-1, -0.0, 1e-320, 1e308, 10**25, -(10**400), float("nan"), float("inf"), 2**63, 0.1 + 0.2)),
    st.integers(-3, 2_000_000),
    st.floats(),
)
TEXTS: Final = st.one_of(
    st.sampled_from(
        (
            *(
                "",
                "never",
                "2026-11-23",
                "2026-11-31",
                "0000-01-01",
                "9999-12-31",
                "2026-11-20T10:00:00Z",
                "\ud800",
                "\x00",
            ),
            *(
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-12:00",
                "../../etc/localtime",
                "Europe/Berlin",
                "kn_locked",
            ),
        )
    ),
    st.text(max_size=8),
)
SCALARS: Final = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
JSON: Final[st.SearchStrategy[Any]] = st.recursive(
    SCALARS,
    lambda part: st.one_of(st.lists(part, max_size=3), st.dictionaries(TEXTS, part, max_size=3)),
    max_leaves=6,
)


def places(told: Any, stem: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a piece of JSON."""
    found = [stem]
    parts = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for name, part in parts:
        found += places(part, (*stem, name))
    return found


def owner_exists(body: Any, pointer: str) -> bool:
    """Whether the place that holds the faulty member is in the body."""
    found = body
    for token in pointer.split("/")[1:-1]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return False
    return True


def assert_names_every_fault(refused: InvalidInputError, raw: bytes) -> None:
    assert refused.faults
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    for fault in refused.faults:
        assert POINTER.fullmatch(fault.pointer)
        assert CODE.fullmatch(fault.code)
        assert fault.detail
        assert body is None or owner_exists(body, fault.pointer)


def assert_answered_or_refused(raw: bytes) -> None:
    try:
        answered = json.loads(answer_bytes(shipped_rules(), raw, detail="codes"))
    except InvalidInputError as refused:
        assert_names_every_fault(refused, raw)
        return
    for joint in JOINTS:
        told = answered["joints"][joint]
        assert told["status"] in {"scored", "suspended", "not_assessed"}
        assert (told["score"] is None) == (told["status"] != "scored")
        assert told["score"] is None or 0 <= told["score"] <= 100


@given(raw=st.binary(max_size=200))
@example(raw=b"")
@example(raw=b"[" * 100_000)
@example(raw=b'{"runner":' * 5_000)
@example(raw=b'{"runner":{},"training":{}}\x00')
@example(raw=b'\xef\xbb\xbf{"runner":{},"training":{}}')
@example(raw=b'{"runner":{},"training":{},"runner":{"age_years":40}}')
@example(raw=b'{"runner":{"age_years":' + b"9" * 5_000 + b'},"training":{}}')
def test_bytes_are_answered_or_refused(raw: bytes) -> None:
    assert_answered_or_refused(raw)


@given(body=JSON, told=st.booleans())
def test_any_json_is_answered_or_refused(body: Any, told: bool) -> None:
    whole = {"runner": body, "training": {}} if told else body
    assert_answered_or_refused(json.dumps(whole).encode())


@given(request=requests(), data=st.data())
def test_a_request_with_odd_members_is_answered_or_refused(request: Request, data: st.DataObject) -> None:
    broken = copy.deepcopy(request)
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(places(broken)[1:] or [("runner",)]))
        owner: Any = broken
        for name in path:
            owner = owner[name]
        kind = data.draw(st.integers(0, 5))
        if kind == 0 and isinstance(owner, dict):
            owner[data.draw(TEXTS)] = data.draw(SCALARS)
        else:
            owner[last] = data.draw(JSON if kind == 1 else SCALARS)
    assert_answered_or_refused(json.dumps(broken).encode())
