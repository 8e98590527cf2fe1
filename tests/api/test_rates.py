"""Every answer to a good key says what is left of its rate, whatever was asked and however it ended; no other does."""

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from app.api.deps import DirectRoute
from app.api.openapi_document import ROUTERS, describe_api
from tests.api.keyring import Key, Keyring
from tests.api.service import Service, ensure_problem, example, faults_of

RUNNERS = 5
GAPS = {"version": "2026.1", "sequence": "1", "name": "spring"}
ROUTES = [route for part in ROUTERS for route in part.routes if isinstance(route, DirectRoute)]
GUARDED = [
    (method, route)
    for route in ROUTES
    for method in sorted(route.methods or ())
    if route.permission.scope is not None and route.include_in_schema
]
NAMES = [f"{method} {route.path}" for method, route in GUARDED]
FIELDS = {"RateLimit-Policy", "RateLimit"}


@dataclass(frozen=True)
class Rated:
    """A service whose keys have a small rate, and callers of every kind."""

    service: Service
    ring: Keyring
    expired: Key
    revoked: Key

    def key(self) -> Key:
        """A key that nothing was asked with yet."""
        key = self.ring.make("score", "rules:read", "rules:write", "rules:publish", "rules:activate")
        self.service.look_at_store()
        return key


@pytest.fixture(scope="module")
def rated(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rated]:
    file = tmp_path_factory.mktemp("rated") / "store.db"
    shutil.copyfile(migrated_sqlite_file, file)
    ring = Keyring(f"sqlite:///{file}")
    expired = ring.make("score", expires_at=datetime(2026, 11, 2, tzinfo=UTC))
    revoked = ring.revoke(ring.make("score"))
    with Service(f"sqlite:///{file}", rate_limit_per_minute=RUNNERS) as service:
        yield Rated(service, ring, expired, revoked)


def left_in(answer: httpx.Response) -> int:
    """How many runners an answer says are left."""
    assert answer.headers["RateLimit-Policy"] == f'"runners";q={RUNNERS};w=60'
    told = re.fullmatch(r'"runners";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert told is not None
    assert 1 <= int(told[2]) <= 60
    return int(told[1])


def address_of(route: DirectRoute) -> str:
    return re.sub(r"\{(\w+)\}", lambda gap: GAPS[gap[1]], route.path)


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=NAMES)
def test_every_route_tells_a_good_key_what_is_left(rated: Rated, method: str, route: DirectRoute) -> None:
    key = rated.key()
    asked = [(address_of(route), {}), (address_of(route) + "?no_such_parameter=1", {"Content-Type": "text/nothing"})]
    answers = [rated.service.ask(method, path, headers=key.header | more) for path, more in asked]

    # What scores one runner counts it before it reads it; the second call is refused for its address or its media type.
    charged = int(route.path in ("/v1/scores", "/v1/scores:verify"))
    assert [left_in(answer) for answer in answers] == [RUNNERS - charged] * 2


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=NAMES)
def test_a_good_key_for_other_things_is_told_and_strangers_are_not(
    rated: Rated, method: str, route: DirectRoute
) -> None:
    needed = route.permission.scope
    other = rated.ring.make("score" if needed != "score" else "rules:read")
    rated.service.look_at_store()
    refused = rated.service.ask(method, address_of(route), headers=other.header)

    ensure_problem(refused, 403, "scope-missing")
    assert left_in(refused) == RUNNERS
    strangers: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer no"},
        rated.expired.header,
        rated.revoked.header,
    )
    for place, headers in enumerate(strangers):
        answer = rated.service.ask(
            method, address_of(route), headers=headers, client=f"{place} {NAMES.index(f'{method} {route.path}')}"
        )
        assert (answer.status_code, [name for name in FIELDS if name in answer.headers]) == (401, [])


def arrow(rows: int) -> bytes:
    table = pa.table({"id": ["a"] * rows, "request": [json.dumps(example())] * rows})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/jsonl", lambda: json.dumps({"id": "a", "request": example()}).encode() + b"\n"),
        ("application/vnd.apache.arrow.stream", lambda: arrow(1)),
        ("application/json", lambda: json.dumps({"items": [{"id": "a", "request": example()}]}).encode()),
    ],
)
def test_a_batch_in_every_shape_tells_it_and_is_charged(
    rated: Rated, media_type: str, body: Callable[[], bytes]
) -> None:
    key = rated.key()
    call = {"content": body(), "headers": key.header | {"Content-Type": media_type}}
    first, second = (rated.service.ask("POST", "/v1/scores:batch?detail=scores", **call) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    # As it stood at the head: of a stream the rows may be charged before or after that.
    assert left_in(first) in (RUNNERS, RUNNERS - 1)
    assert left_in(second) in (RUNNERS - 1, RUNNERS - 2)
    assert left_in(rated.service.get("/v1/rule-sets", headers=key.header)) == RUNNERS - 2


def test_what_is_known_already_what_has_no_body_and_what_cannot_be_read_tell_it_too(rated: Rated) -> None:
    key = rated.key()
    found = rated.service.get("/v1/rule-sets/2026.1", headers=key.header)
    known = rated.service.get("/v1/rule-sets/2026.1", headers={**key.header, "If-None-Match": found.headers["ETag"]})
    bare = rated.service.ask("HEAD", "/v1/rule-sets/2026.1", headers=key.header)
    unread = rated.service.score(example(), headers={**key.header, "Content-Type": "text/csv"})

    assert [each.status_code for each in (found, known, bare, unread)] == [200, 304, 200, 415]
    assert [left_in(each) for each in (found, known, bare, unread)] == [RUNNERS] * 4
    assert faults_of(rated.service.score({"runner": {"age_years": -1}, "training": {}}, headers=key.header))


def test_a_key_without_a_limit_is_told_nothing(sqlite_store_url: str) -> None:
    key = Keyring(sqlite_store_url).make("score")
    with Service(sqlite_store_url, rate_limit_per_minute=0) as service:
        answer = service.score(example(), headers=key.header)

    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
    assert "RateLimit-Policy" not in answer.headers


def test_the_description_has_the_fields_on_every_answer_to_a_good_key() -> None:
    document = describe_api()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, told in operation["responses"].items():
                is_keyed = any(operation["security"]) and status not in ("401", "421")
                assert (told.get("headers", {}).keys() >= FIELDS) == is_keyed, f"{path} {status}"
    assert document["components"]["headers"].keys() == FIELDS
