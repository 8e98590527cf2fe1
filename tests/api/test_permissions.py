"""Every route × every kind of caller: nothing is open by having been forgotten, and nothing is read for a stranger."""

import itertools
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from app.access import SCOPES, Scope
from app.api.deps import DirectRoute
from app.api.openapi_document import DOCS_FILES_PATH, ROUTERS, describe_api
from app.api.permissions import needs, public
from tests.api.keyring import Key, Keyring
from tests.api.service import Service, ensure_problem

# What the contract says of an address, by its form: a new route finds its row here, or is looked at by a person.
EXPECTED: list[tuple[str, str, Scope | None]] = [
    ("GET", r"/(livez|readyz|startupz|openapi\.json|docs)", None),
    ("GET", r"/metrics", "rules:read"),
    ("POST", r"/v1/(scores|training)(:\w+)?", "score"),
    ("(GET|POST)", r"/v1/rule-sets/\{\w+\}:compare", "rules:read"),
    ("GET", r"/v1/(factors|rule-sets)(/.*)?", "rules:read"),
    ("(GET|PUT|DELETE)", r"/v1/rule-set-drafts(/\{\w+\})?", "rules:write"),
    ("POST", r"/v1/rule-set-drafts/\{\w+\}:check", "rules:write"),
    ("POST", r"/v1/rule-set-drafts/\{\w+\}:publish", "rules:publish"),
    ("POST", r"/v1/rule-sets/(activations/)?\{\w+\}:(activate|cancel|withdraw)", "rules:activate"),
]
ROUTES = [route for part in ROUTERS for route in part.routes if isinstance(route, DirectRoute)]
CALLS = [(method, route) for route in ROUTES for method in sorted(route.methods or ())]
GUARDED = [(method, route) for method, route in CALLS if route.permission.scope is not None]
NAMES = [f"{method} {route.path}" for method, route in GUARDED]
ADDRESSES = itertools.count()
GAPS = {"version": "2026.1", "a": "2026.1", "sequence": "1", "name": "spring"}


@dataclass(frozen=True)
class Callers:
    """A service with keys, and callers of every kind."""

    service: Service
    by_scope: dict[Scope, Key]
    expired: Key
    revoked: Key

    def call(self, method: str, route: DirectRoute, **headers: str) -> httpx.Response:
        # With a parameter that no route knows: who calls is asked before, and whoever is let in is refused at once.
        guard = "" if route.permission.scope is None else "?no_such_parameter=1"
        path = re.sub(r"\{(\w+)\}", lambda gap: GAPS[gap[1]], route.path) + guard
        told = {name: each.encode("latin-1") for name, each in headers.items()}
        # Each from an address of its own: too many wrong keys from one are told to wait.
        return self.service.ask(method, path, headers=told, client=f"caller {next(ADDRESSES)}")


@pytest.fixture(scope="module")
def callers(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    file = tmp_path_factory.mktemp("callers") / "store.db"
    shutil.copyfile(migrated_sqlite_file, file)
    ring = Keyring(f"sqlite:///{file}")
    by_scope = {scope: ring.make(scope) for scope in SCOPES}
    expired = ring.make(*SCOPES, expires_at=datetime(2026, 11, 2, tzinfo=UTC))
    revoked = ring.revoke(ring.make(*SCOPES))
    with Service(f"sqlite:///{file}") as service:
        yield Callers(service, by_scope, expired, revoked)


def expected_scope(method: str, path: str) -> Scope | None:
    found = [scope for verb, form, scope in EXPECTED if re.fullmatch(verb, method) and re.fullmatch(form, path)]
    assert found, f"{method} {path} has no row in EXPECTED: which scope does the contract give it?"
    return found[0]


def test_every_route_asks_for_the_scope_that_the_contract_gives_it() -> None:
    asked = {(method, route.path): route.permission.scope for method, route in CALLS}

    assert asked == {(method, path): expected_scope(method, path) for method, path in asked}


def test_no_route_of_the_service_goes_round_the_gate(callers: Callers) -> None:
    others = [route for route in callers.service.app.routes if not isinstance(route, DirectRoute)]

    assert [route.path for route in others if isinstance(route, Mount)] == [DOCS_FILES_PATH]
    assert len(others) == 1
    assert {route.path for route in callers.service.app.routes if isinstance(route, APIRoute)} == {
        route.path for route in ROUTES
    }


def test_a_route_that_says_nothing_of_its_callers_cannot_be_made() -> None:
    async def forgotten() -> None: ...

    with pytest.raises(TypeError, match="forgotten says neither"):
        DirectRoute("/v1/forgotten", forgotten)
    assert DirectRoute("/v1/open", public(forgotten)).permission.scope is None
    assert DirectRoute("/v1/closed", needs("score")(forgotten)).permission.scope == "score"


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=NAMES)
def test_without_a_key_nobody_gets_in(callers: Callers, method: str, route: DirectRoute) -> None:
    answer = callers.call(method, route)

    ensure_problem(answer, 401, "no-key")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="joint-risk"'


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=NAMES)
@pytest.mark.parametrize(
    "sent",
    [
        "Bearer",
        "Bearer jrk_short",
        "Basic {right}",
        "{right}",
        "Bearer {right}x",
        "Bearer x{right}",
        "Bearer {right} {right}",
        "Bearer jrk_" + 43 * "x",
        "Bearer ééé",
    ],
)
def test_what_is_no_good_key_lets_nobody_in(callers: Callers, method: str, route: DirectRoute, sent: str) -> None:
    right = callers.by_scope[route.permission.scope or "score"].text
    answer = callers.call(method, route, Authorization=sent.format(right=right))

    told = ensure_problem(answer, 401, "no-key")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert right not in answer.text
    assert told["errors"] == []


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=NAMES)
def test_an_expired_or_revoked_key_lets_nobody_in_and_its_holder_is_told_why(
    callers: Callers, method: str, route: DirectRoute
) -> None:
    for key, reason in ((callers.expired, "expired"), (callers.revoked, "revoked")):
        assert reason in ensure_problem(callers.call(method, route, **key.header), 401, "no-key")["detail"]


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=NAMES)
def test_a_key_for_other_things_is_refused_and_the_scope_named(
    callers: Callers, method: str, route: DirectRoute
) -> None:
    needed = route.permission.scope
    assert needed is not None
    for scope, key in callers.by_scope.items():
        answer = callers.call(method, route, **key.header)
        if scope == needed:
            assert answer.status_code not in (401, 403, 500), answer.text
        else:
            assert needed in ensure_problem(answer, 403, "scope-missing")["detail"]
            assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]


def test_what_is_open_is_open_to_a_wrong_key_too(callers: Callers) -> None:
    for method, route in CALLS:
        if route.permission.scope is None:
            assert callers.call(method, route, Authorization="Bearer jrk_wrong").status_code == 200


def test_the_description_names_the_scope_of_every_operation() -> None:
    document = describe_api()
    told = {
        (method.upper(), path): [each["key"] for each in operation["security"] if each]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert told == {
        (method, route.path): [[route.permission.scope]] if route.permission.scope else []
        for method, route in CALLS
        if route.include_in_schema
    }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert ({"401", "403"} <= set(operation["responses"])) == bool(operation["security"]), path
