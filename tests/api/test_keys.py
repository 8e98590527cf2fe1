"""Who is let in, when: with keys, without any, behind a gateway, while the store is away, and after too many tries."""

import asyncio
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.access import SCOPES, Caller, Scope
from app.access.files import write_key_file
from app.access.held import FormerKey, KeysHeld
from app.access.store import KeyStore
from app.api.deps import DirectRoute
from app.api.permissions import AUTHORIZATION, CALLER, Gate, Permission, caller_of, needs
from app.api.problems import NoKeyError
from app.database import connect_engine
from app.errors import InvalidSettingsError, StoreAwayError
from app.settings import Settings
from tests.api.command_line import run
from tests.api.keyring import Key, Keyring
from tests.api.service import STORE_IS_THERE, Outage, Service, ensure_problem, example
from tests.postgresql import own_postgresql
from tests.store.raw import open_raw

DAY_S = 86_400.0
MANAGING: list[Scope] = ["rules:write", "rules:publish", "rules:activate"]


@pytest.fixture
def ring(sqlite_store_url: str) -> Keyring:
    return Keyring(sqlite_store_url)


def with_probe(service: Service, scope: Scope = "rules:publish") -> Service:
    """The service with one more route, which says who calls it."""

    @needs(scope)
    async def tell(request: Request) -> Response:
        caller = caller_of(request.scope)
        return JSONResponse([caller.prefix, caller.owner, sorted(caller.scopes)])

    service.app.router.routes.insert(0, DirectRoute("/v1/probe", tell, methods=["GET"]))
    return service


def knock(gate: Gate, scope: Scope, key: Key | None = None) -> Caller:
    """Whom the gate lets in for this."""
    call: dict[str, Any] = {} if key is None else {AUTHORIZATION: key.header["Authorization"].encode()}
    gate.admit(call, Permission(scope))
    caller: Caller = call[CALLER]
    return caller


# ---------------------------------------------------------------------------------------------------- with keys


def test_a_route_is_told_who_calls(ring: Keyring, sqlite_store_url: str) -> None:
    key = ring.make("rules:publish", "score", owner="ann")
    with Service(sqlite_store_url) as service:
        told = with_probe(service).get("/v1/probe", headers=key.header)

    assert told.json() == [key.prefix, "ann", ["rules:publish", "score"]]


def test_with_keys_the_service_may_have_any_name_and_stand_behind_a_proxy(ring: Keyring, sqlite_store_url: str) -> None:
    met = {"Host": "risk.example", "X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    with Service(sqlite_store_url) as service:
        ensure_problem(service.score(example(), headers=met), 421, "host-refused")
        key = ring.make("score")
        service.look_at_store()
        assert service.score(example(), headers={**met, **key.header}).status_code == 200
        ensure_problem(service.score(example(), headers=met), 401, "no-key")
        # For ever: whoever revokes the last key closes the door.
        ring.revoke(key)
        service.look_at_store()
        ensure_problem(service.score(example()), 401, "no-key")


@pytest.mark.parametrize("form", ["bearer {}", "BEARER {}", "Bearer  {} "])
def test_the_kind_of_key_is_read_as_the_standard_says(ring: Keyring, sqlite_store_url: str, form: str) -> None:
    key = ring.make("score", "rules:read")
    with Service(sqlite_store_url) as service:
        header = {"Authorization": form.format(key.text)}
        assert service.get("/v1/factors", headers=header).status_code == 200
        assert service.ask("HEAD", "/v1/factors", headers=header).status_code == 200
        assert service.ask("HEAD", "/v1/factors").status_code == 401


def test_two_keys_at_once_are_none(ring: Keyring, sqlite_store_url: str) -> None:
    key = ring.make("score")
    with Service(sqlite_store_url) as service:
        twice = [("Authorization", told) for told in (f"Bearer {key.text}", "Bearer another")]
        for headers in (twice, twice[::-1]):
            answer = service._runner.run(service._ask("GET", "/v1/factors", headers=headers))
            ensure_problem(answer, 401, "no-key")


def test_nothing_of_a_strangers_body_is_read(ring: Keyring, sqlite_store_url: str) -> None:
    ring.make("score")
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("The body was asked for.")

    async def send(message: Any) -> None:
        sent.append(message)

    with Service(sqlite_store_url) as service:
        scope = {
            "type": "http", "method": "POST", "path": "/v1/scores", "raw_path": b"/v1/scores", "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-length", b"1000000000")], "client": ("127.0.0.1", 1),
        }  # fmt: skip
        service._runner.run(service.app(scope, receive, send))

    assert sent[0]["status"] == 401


# ------------------------------------------------------------------------------------------------- without any


def test_without_keys_this_machine_scores_and_reads_and_changes_no_rules(sqlite_store_url: str) -> None:
    with Service(sqlite_store_url) as service:
        assert service.score(example()).status_code == 200
        assert service.score(example(), headers={"Authorization": "Bearer of-another-service"}).status_code == 200
        assert service.get("/v1/rule-sets").status_code == 200
        for scope in MANAGING:
            told = ensure_problem(with_probe(service, scope).get("/v1/probe"), 401, "no-key")
            assert f"joint-risk keys create --name NAME --scope {scope}" in told["detail"]


def test_without_keys_nobody_is_let_in_from_elsewhere(sqlite_store_url: str) -> None:
    # Only where the store was away when the service started: it could not be asked whether there are keys.
    with Service(sqlite_store_url, host="0.0.0.0") as service:
        told = ensure_problem(service.score(example()), 401, "no-key")
        assert service.get("/livez", headers={"Host": "risk.example"}).status_code == 200

    assert "joint-risk keys create" in told["detail"]


def test_behind_a_gateway_everybody_has_the_scopes_that_the_operator_gave(ring: Keyring, sqlite_store_url: str) -> None:
    key = ring.make("rules:read")
    with Service(sqlite_store_url, auth="off") as service:
        assert service.score(example()).status_code == 200
        told = ensure_problem(service.get("/v1/rule-sets", headers=key.header), 403, "scope-missing")
    with Service(sqlite_store_url, auth="off", auth_off_scopes="rules:read, rules:publish") as service:
        assert service.get("/v1/rule-sets").status_code == 200
        assert with_probe(service).get("/v1/probe").json() == [None, "gateway", ["rules:publish", "rules:read"]]
        ensure_problem(service.score(example()), 403, "scope-missing")

    assert "JOINT_RISK_AUTH_OFF_SCOPES" in told["detail"]


def test_a_scope_that_is_none_stops_the_start(sqlite_store_url: str) -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        Service(sqlite_store_url, auth="off", auth_off_scopes="score,everything")
    assert "rules:activate" in refused.value.faults[0].detail
    ended = run("serve", store=sqlite_store_url, env={"JOINT_RISK_AUTH_OFF_SCOPES": "everything"})
    assert (ended.code, "everything" in ended.err) == (8, False)


# --------------------------------------------------------------------------------------------- the store is away


def test_keys_work_while_the_store_is_away_and_a_revocation_waits_for_it(ring: Keyring, sqlite_store_url: str) -> None:
    key, gone = ring.make("score", "rules:publish"), ring.revoke(ring.make("score"))
    with Service(sqlite_store_url) as service:
        outage = Outage(service, sqlite_store_url)
        with_probe(service)
        outage.begin()
        service.look_at_store()
        assert service.score(example(), headers=key.header).status_code == 200
        assert service.get("/v1/probe", headers=key.header).status_code == 200
        ensure_problem(service.score(example(), headers=gone.header), 401, "no-key")
        ensure_problem(service.score(example()), 401, "no-key")
        readiness = service.get("/readyz")
        assert (readiness.status_code, readiness.json()["status"]) == (200, "degraded")
        outage.end()
        ring.revoke(key)
        service.look_at_store()
        ensure_problem(service.score(example(), headers=key.header), 401, "no-key")


def test_a_stopped_postgresql_refuses_nobody_who_has_a_key() -> None:
    with own_postgresql() as server:
        assert run("migrate", store=server.url).code == 0
        ring = Keyring(server.url)
        key = ring.make("score")
        with Service(server.url, store_timeout_s=0.5) as service:
            server.stop()
            service.look_at_store()
            assert service.score(example(), headers=key.header).status_code == 200
            ensure_problem(service.score(example()), 401, "no-key")
            assert service.get("/readyz").json()["store"] == "away"
            server.start()
            ring.revoke(key)
            service.look_at_store()
            assert "revoked" in ensure_problem(service.score(example(), headers=key.header), 401, "no-key")["detail"]
            assert service.get("/readyz").json()["store"] in STORE_IS_THERE


def test_nobody_is_let_in_before_the_list_was_read_and_readiness_waits_for_it(
    ring: Keyring, sqlite_store_url: str
) -> None:
    key = ring.make("score")
    service = Service(sqlite_store_url)
    outage = Outage(service, sqlite_store_url)
    outage.begin()
    with service:
        for header in ({}, key.header):
            assert "Retry-After" in service.score(example(), headers=header).headers
            ensure_problem(service.score(example(), headers=header), 503, "store-away")
        readiness = service.get("/readyz")
        assert (readiness.status_code, readiness.json()["keys"]) == (503, "unknown")
        assert service.get("/startupz").status_code == 503
        assert service.get("/livez").status_code == 200
        outage.end()
        service.look_at_store()
        assert service.score(example(), headers=key.header).status_code == 200
        readiness = service.get("/readyz")
        assert (readiness.status_code, readiness.json()["keys"]) == (200, "ok")


def test_readiness_says_whether_there_are_keys_and_whether_they_can_be_read(tmp_path: Path) -> None:
    bundle, file = tmp_path / "rules.json", tmp_path / "keys.json"
    run("rules", "export", "--bundle", str(bundle), store=f"sqlite:///{tmp_path / 'store.db'}")
    file.write_bytes(write_key_file([]))
    with Service("postgresql://127.0.0.1:9/rules", bundle=bundle, keys_file=file) as service:
        assert [service.get("/readyz").json()[name] for name in ("status", "keys")] == ["ok", "none"]
        file.unlink()
        service.look_at_store()
        assert [service.get("/readyz").json()[name] for name in ("status", "keys")] == ["degraded", "stale"]
        assert service.score(example()).status_code == 200


def test_without_a_store_nobody_changes_rules_whatever_the_key_says(tmp_path: Path) -> None:
    bundle, file, store = tmp_path / "rules.json", tmp_path / "keys.json", f"sqlite:///{tmp_path / 'store.db'}"
    run("rules", "export", "--bundle", str(bundle), store=store)
    key = Keyring(store).make(*SCOPES)
    run("keys", "export", str(file), store=store)
    with Service("postgresql://127.0.0.1:9/rules", bundle=bundle, keys_file=file) as service:
        for scope in SCOPES:
            answer = with_probe(service, scope).get("/v1/probe", headers=key.header)
            if scope in MANAGING:
                assert "has no store" in ensure_problem(answer, 503, "store-away")["detail"]
            else:
                assert answer.status_code == 200
        ensure_problem(service.get("/v1/probe"), 401, "no-key")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_without_a_store_and_without_keys_nobody_is_told_that_a_key_would_help(tmp_path: Path, host: str) -> None:
    bundle = tmp_path / "rules.json"
    run("rules", "export", "--bundle", str(bundle), store=f"sqlite:///{tmp_path / 'store.db'}")
    with Service("postgresql://127.0.0.1:9/rules", bundle=bundle, host=host) as service:
        for scope in MANAGING:
            answer = with_probe(service, scope).get("/v1/probe")
            assert "has no store" in ensure_problem(answer, 503, "store-away")["detail"]


class Clock:
    """A day that only a test moves on."""

    def __init__(self) -> None:
        self.now_s = datetime(2026, 12, 1, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(ring: Keyring, sqlite_store_url: str, clock: Clock) -> Iterator[KeysHeld]:
    engine = connect_engine(sqlite_store_url)
    keys = KeysHeld(KeyStore(engine), poll_s=5, clock=clock, steady_clock=clock)
    yield keys
    keys.close()
    engine.dispose()


@pytest.mark.parametrize("max_age", ["24h", "1d", "86400s"])
def test_a_list_that_is_too_old_lets_nobody_change_rules_and_everybody_score(
    held: KeysHeld, ring: Keyring, clock: Clock, max_age: str
) -> None:
    key = ring.make(*SCOPES)
    gate = Gate(held, settings=Settings(keys_max_age=max_age))
    held.load()
    clock.now_s += DAY_S
    assert all(knock(gate, scope, key).owner == "ann" for scope in SCOPES)
    clock.now_s += 1
    for scope in SCOPES:
        if scope in MANAGING:
            with pytest.raises(StoreAwayError, match="JOINT_RISK_KEYS_MAX_AGE"):
                knock(gate, scope, key)
        else:
            assert knock(gate, scope, key).prefix == key.prefix
    held.load()
    assert all(knock(gate, scope, key).owner == "ann" for scope in SCOPES)


def test_a_key_expires_by_the_clock_here_whether_the_list_is_read_or_not(
    held: KeysHeld, ring: Keyring, clock: Clock
) -> None:
    key = ring.make("score", expires_at=datetime(2026, 12, 1, 1, tzinfo=UTC))
    gate = Gate(held, settings=Settings())
    held.load()
    clock.now_s += 3_599
    assert knock(gate, "score", key).prefix == key.prefix
    clock.now_s += 1
    with pytest.raises(NoKeyError, match="expired"):
        knock(gate, "score", key)


def test_a_table_that_somebody_emptied_by_force_opens_no_door(
    held: KeysHeld, ring: Keyring, sqlite_store_url: str
) -> None:
    key = ring.make("score")
    gate = Gate(held, settings=Settings())
    held.load()
    with open_raw(sqlite_store_url) as raw:
        raw.run("DROP TRIGGER refuse_delete_api_key")
        raw.run("DELETE FROM api_key")
    held.load()

    assert knock(gate, "score", key).prefix == key.prefix
    with pytest.raises(NoKeyError):
        knock(gate, "score")


def test_the_list_is_read_again_only_when_it_has_changed(
    held: KeysHeld, ring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    key = ring.make("score")
    with caplog.at_level(logging.INFO, logger="joint_risk.keys"):
        for _ in range(3):
            held.load()
        ring.make("score")
        held.load()
        ring.revoke(key)
        held.load()

    assert [record.getMessage() for record in caplog.records] == [
        "Keys: 1, of which 0 revoked.",
        "Keys: 2, of which 0 revoked.",
        "Keys: 2, of which 1 revoked.",
    ]


def test_the_list_is_looked_at_by_itself(ring: Keyring, sqlite_store_url: str) -> None:
    key = ring.make("score")
    with Service(sqlite_store_url, poll_s=0.05) as service:
        ring.revoke(key)

        deadline_s = time.monotonic() + 30
        while not isinstance(service.app.state.keys.identify(key.text.encode()), FormerKey):
            assert time.monotonic() < deadline_s
            service._runner.run(asyncio.sleep(0.01))


# ------------------------------------------------------------------------------------------------ too many tries


@pytest.mark.parametrize("most", [3, Settings().wrong_keys_per_minute])
def test_too_many_wrong_keys_from_one_address_are_told_to_wait_and_good_ones_never(
    ring: Keyring, sqlite_store_url: str, most: int
) -> None:
    key = ring.make("score", "rules:read")
    expired = ring.make("score", expires_at=datetime(2026, 11, 2, tzinfo=UTC))

    def ask(client: str, header: dict[str, str]) -> int:
        return service.get("/v1/factors", headers=header, client=client).status_code

    with Service(sqlite_store_url, wrong_keys_per_minute=most) as service:
        wrong = {"Authorization": "Bearer jrk_" + 43 * "x"}
        here, there, next_door = "2001:db8::1", "203.0.113.9", "2001:db8::2"
        # What is no try is not counted.
        assert {ask(here, header) for header in [{}, expired.header] for _ in range(most)} == {401}
        assert [ask(here, wrong) for _ in range(most)] == most * [401]
        refused = service.get("/v1/factors", headers=wrong, client=here)
        ensure_problem(refused, 429, "rate-limited")
        assert int(refused.headers["Retry-After"]) == 60
        assert ask(next_door, wrong) == 429  # the same network
        assert ask(there, wrong) == 401
        assert [ask(here, key.header) for _ in range(3)] == [200, 200, 200]
        assert ask(here, wrong) == 429
