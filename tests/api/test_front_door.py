"""What holds for every call: an id, a log line without secrets, no strangers, HEAD, no sniffing."""

import asyncio
import logging
import re
import signal
from threading import Lock

import pytest

from app.api.limits import Drain, drain_on_sigterm
from app.api.permissions import ensure_bind_is_allowed
from app.errors import InvalidSettingsError
from app.log_lines import FIELDS
from app.settings import Settings
from tests.api.service import STORE_IS_THERE, Service, ensure_problem, example

ANY_PATH = ["/livez", "/readyz", "/v1/rule-sets", "/docs", "/docs-files/swagger-ui.css", "/nothing"]


def no_keys() -> bool:
    return False


@pytest.mark.parametrize("path", ANY_PATH)
def test_every_answer_has_an_id_of_its_own_and_forbids_sniffing(shared_service: Service, path: str) -> None:
    answers = [shared_service.get(path, headers={"Request-Id": "mine"}) for _ in range(2)]

    ids = {answer.headers["Request-Id"] for answer in answers}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{24}", id) for id in ids)
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}


def test_a_call_leaves_one_line_with_its_route_and_nothing_of_what_it_said(
    shared_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="joint_risk.access"):
        answer = shared_service.score(example(), "/v1/scores?detail=scores")
        shared_service.get("/v1/rule-sets/2026.1?secret=1")
        shared_service.get("/runner/jane-doe")

    lines = [vars(record)[FIELDS] for record in caplog.records if record.name == "joint_risk.access"]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/scores", 200),
        ("GET", "/v1/rule-sets/{version}", 422),
        ("GET", "unmatched", 404),
    ]
    first = {name: told for name, told in lines[0].items() if name != "duration_ms"}
    assert first == {
        "request_id": answer.headers["Request-Id"],
        "method": "POST",
        "route": "/v1/scores",
        "status": 200,
        "rule_set": "2026.1",
        "runners": 1,
        "key": None,
    }


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "192.0.2.7"])
def test_without_keys_calls_by_localhost_or_by_address_are_let_in(shared_service: Service, host: str) -> None:
    assert shared_service.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:80:80", "[::1", "", "0x7f.1"],
)
def test_without_keys_a_call_by_any_other_name_is_refused(shared_service: Service, host: str) -> None:
    ensure_problem(shared_service.score(example(), headers={"Host": host}), 421, "host-refused")


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "x-forwarded-proto"])
def test_without_keys_a_forwarded_call_is_refused(shared_service: Service, header: str) -> None:
    ensure_problem(shared_service.get("/readyz", headers={header: "203.0.113.9"}), 421, "host-refused")


def test_behind_a_gateway_any_host_and_forwarded_calls_are_let_in(sqlite_store_url: str) -> None:
    with Service(sqlite_store_url, auth="off") as service:
        answer = service.get("/readyz", headers={"Host": "risk.example", "X-Forwarded-For": "203.0.113.9"})

    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_keys_loopback_may_be_served(host: str) -> None:
    ensure_bind_is_allowed(Settings(host=host), has_keys=no_keys)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "risk.example", ""])
def test_without_keys_nothing_else_is_served_and_the_way_out_is_named(host: str) -> None:
    settings = Settings.model_construct(host=host, auth="keys")

    with pytest.raises(InvalidSettingsError) as refused:
        ensure_bind_is_allowed(settings, has_keys=no_keys)

    assert "JOINT_RISK_AUTH=off" in refused.value.faults[0].detail
    assert "joint-risk keys create" in refused.value.faults[0].detail


def test_with_keys_any_address_may_be_served() -> None:
    ensure_bind_is_allowed(Settings(host="0.0.0.0"), has_keys=lambda: True)


def test_with_a_gateway_in_front_any_address_may_be_served() -> None:
    ensure_bind_is_allowed(Settings(host="0.0.0.0", auth="off"), has_keys=no_keys)


def test_while_draining_calls_are_answered_and_connections_closed(service: Service) -> None:
    service.app.state.drain.begun = True

    readiness = service.get("/readyz")
    assert (readiness.status_code, readiness.json()["status"]) == (503, "draining")
    assert service.get("/livez").status_code == 200
    answer = service.score(example())
    assert answer.status_code == 200
    assert answer.headers["Connection"] == "close"


class HandlerWithALock(logging.Handler):
    """Queues lines as ours does, under a lock that one thread cannot take twice; is told to end while it holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.was_stuck = False
        self._queue_lock = Lock()

    def emit(self, record: logging.LogRecord) -> None:
        if not self._queue_lock.acquire(timeout=1):
            self.was_stuck = True
            return
        try:
            if not self.lines:
                signal.raise_signal(signal.SIGTERM)
            self.lines.append(record.getMessage())
        finally:
            self._queue_lock.release()


def test_a_signal_to_end_that_comes_while_a_line_is_logged_ends_the_process_all_the_same() -> None:
    handler = HandlerWithALock()
    log = logging.getLogger("joint_risk.api")

    async def serve() -> None:
        ended = asyncio.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        with drain_on_sigterm(Drain(), drain_s=0.01):
            log.warning("call")
            await asyncio.wait_for(ended.wait(), timeout=5)

    inherited = signal.getsignal(signal.SIGTERM)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        asyncio.run(serve())
    finally:
        log.setLevel(logging.NOTSET)
        log.removeHandler(handler)
        signal.signal(signal.SIGTERM, inherited)

    assert not handler.was_stuck
    assert handler.lines == ["call", "Draining for 0.01 s."]


def test_readiness_names_the_rules_in_force(shared_service: Service) -> None:
    told = shared_service.get("/readyz").json()

    assert (told["status"], told["rule_set"]["version"]) == ("ok", "2026.1")
    assert told["store"] in STORE_IS_THERE
    assert shared_service.get("/readyz").headers["Cache-Control"] == "no-store"
