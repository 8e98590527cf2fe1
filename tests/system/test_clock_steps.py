"""A clock that is set while the service runs: no score fails, and rules, keys and rates stay what people decided."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.database import connect_engine
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.rule_sets.ledgers import Publication, RuleSetLedgers
from tests.api.keyring import Key, Keyring
from tests.api.service import STORE_IS_THERE
from tests.system.load import Load
from tests.system.running import JSON, Server, Starter
from tests.system.stepped_clock import SteppedClock

EVENING = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
TONIGHT = EVENING + timedelta(minutes=45)
MIDNIGHT = datetime(2026, 11, 26, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PATIENT = {"poll_s": "0.2", "store_timeout_s": "10"}
CALLS = 20
"""Scores that have to be answered between one step of the clock and the next."""
# Of no particular day, so that the answer says which day it is there.
RUNNER = b'{"runner": {"age_years": 41}, "training": {}}'


@pytest.fixture
def clock(start: Starter, tmp_path: Path) -> SteppedClock:
    """What time it is for the services of this test."""
    clock = SteppedClock(tmp_path, EVENING)
    start.environment = clock.environment
    return clock


def publish(url: str, *versions: str) -> None:
    engine = connect_engine(url)
    ledgers = RuleSetLedgers(engine, clock=lambda: EVENING - DAY)
    for version in versions:
        told: Any = published_document("2026.1")
        told["texts"]["notice"] = f"Rules {version}."
        canonical = canonical_bytes(told)
        ledgers.publish(Publication(version, digest_of(canonical), canonical, "ann", ("ann",), "For this test."))
    engine.dispose()


class Operator:
    """Somebody with a key for everything, who looks and decides while the clock is what it is."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def score(self, key: Key | None = None) -> httpx.Response:
        """A runner's score, of no day in particular; with the operator's own key, if not with another."""
        return self._client.post("/v1/scores", content=RUNNER, headers={**JSON, **(key.header if key else {})})

    def version(self) -> str:
        """By which rules a runner is scored now."""
        return self.score().headers["Joint-Rule-Set"].partition(";")[0]

    def day(self) -> date:
        """Which day it is there."""
        return date.fromisoformat(self.score().json()["as_of"])

    def activate(self, version: str, **told: Any) -> dict[str, Any]:
        answer = self._client.post(f"/v1/rule-sets/{version}:activate", json={"reason": "For this test.", **told})
        assert answer.status_code == 201, answer.text
        row: dict[str, Any] = answer.json()
        return row

    def sequences(self) -> list[int]:
        """The number of every decision, newest first."""
        return [row["sequence"] for row in self._client.get("/v1/rule-sets/activations").json()["items"]]

    def health(self) -> dict[str, Any]:
        told: dict[str, Any] = self._client.get("/readyz?verbose").json()
        return told


@contextmanager
def operator_of(server: Server, key: Key) -> Iterator[Operator]:
    """Somebody with this key, who calls this service."""
    with httpx.Client(base_url=server.url, headers=key.header, timeout=20) as client:
        yield Operator(client)


class Steps:
    """The clock of a service under load, set to and fro; what the service says must make sense all along."""

    def __init__(self, clock: SteppedClock, load: Load, operator: Operator) -> None:
        self._clock, self._load, self._operator = clock, load, operator
        self._spans: list[tuple[datetime, datetime]] = []
        self._since = EVENING

    def to(self, moment: datetime) -> None:
        """Sets the clock, and lets the service be called and look at its store by it."""
        self._end_span()
        self._clock.set(moment)
        self._since = self._clock.now()
        self._load.wait_for(CALLS)
        health = self._operator.health()
        assert (health["status"], health["keys"]) == ("ok", "ok")
        assert health["store"] in STORE_IS_THERE
        assert health["store_seen_s_ago"] < 20
        assert 0 <= health["details"]["keys_age_s"] < 20
        left = re.search(r";t=(\d+)", self._operator.score().headers["RateLimit"])
        assert left is not None
        assert 1 <= int(left[1]) <= 60

    def ensure_log_is_sane(self, lines: list[dict[str, Any]]) -> None:
        """Fails where a line names a moment that the clock never showed, or a duration that nobody waited for."""
        self._end_span()
        slack = timedelta(seconds=1)
        for line in lines:
            moment = datetime.fromisoformat(line["time"])
            assert any(begin - slack <= moment <= end + slack for begin, end in self._spans), line
            assert 0 <= line.get("duration_ms", 0) < 20_000, line
        assert [line for line in lines if line["level"] in ("warning", "error")] == []

    def _end_span(self) -> None:
        self._spans.append((self._since, self._clock.now()))


def test_no_score_fails_and_rules_and_keys_stay_what_people_decided(
    start: Starter, store_url: str, clock: SteppedClock
) -> None:
    publish(store_url, "2026.2", "2026.3")
    ring = Keyring(store_url)
    key = ring.make("score", "rules:read", "rules:activate")
    until_midnight = ring.make("score", expires_at=MIDNIGHT)
    server = start(database_url=store_url, **PATIENT)
    with operator_of(server, key) as operator, Load([server.url], headers=key.header) as load:
        steps = Steps(clock, load, operator)
        tonight = operator.activate("2026.2", effective_at=TONIGHT.isoformat())
        assert (operator.version(), tonight["sequence"]) == ("2026.1", 2)

        steps.to(TONIGHT + MINUTE)
        assert operator.version() == "2026.2"
        steps.to(EVENING + 10 * MINUTE)  # what took effect here stays until a person decides
        assert (operator.version(), operator.health()["activation"]) == ("2026.2", 2)
        back = operator.activate("2026.1")
        assert (back["sequence"], back["cancels"], operator.version()) == (3, [2], "2026.1")
        steps.to(TONIGHT + MINUTE)  # what was cancelled comes to nothing
        assert operator.version() == "2026.1"

        tomorrow = operator.activate("2026.3", effective_at=(MIDNIGHT + 23 * HOUR).isoformat())
        steps.to(MIDNIGHT - MINUTE)
        assert (operator.version(), operator.day()) == ("2026.1", EVENING.date())
        assert operator.score(until_midnight).status_code == 200
        steps.to(MIDNIGHT + MINUTE)
        assert (operator.version(), operator.day()) == ("2026.1", MIDNIGHT.date())
        assert operator.score(until_midnight).status_code == 401
        steps.to(MIDNIGHT - MINUTE)
        assert (operator.version(), operator.day()) == ("2026.1", EVENING.date())
        assert operator.score(until_midnight).status_code == 200

        steps.to(MIDNIGHT + 2 * DAY)  # longer than a list of keys may be old
        assert (operator.version(), operator.health()["activation"]) == ("2026.3", tomorrow["sequence"])
        far = operator.activate("2026.2")
        steps.to(EVENING + 20 * MINUTE)  # long before the last decision, which stands
        assert (operator.version(), operator.health()["activation"]) == ("2026.2", far["sequence"])
        last = operator.activate("2026.1")
        assert (last["cancels"], operator.version()) == ([4, 5], "2026.1")
        steps.to(MIDNIGHT + 2 * DAY)
        assert operator.version() == "2026.1"
        assert operator.sequences() == [6, 5, 4, 3, 2, 1]

    load.ensure_nothing_failed()
    sys.stdout.write(f"steps 9, scores meanwhile {load.answers.total()}, failed 0, slowest {load.slowest_s:.2f} s\n")
    again = start(database_url=store_url)  # whoever starts now goes by the same ledger
    with operator_of(again, key) as operator:
        assert operator.version() == "2026.1"
    assert (server.end(), again.end()) == (0, 0)
    steps.ensure_log_is_sane(server.log_lines())


def test_a_minute_of_a_rate_lasts_a_minute(start: Starter, sqlite_store_url: str, clock: SteppedClock) -> None:
    key = Keyring(sqlite_store_url).make("score")
    server = start(database_url=sqlite_store_url, rate_limit_per_minute="2")
    with operator_of(server, key) as operator:
        clock.set(MIDNIGHT + DAY)
        assert [operator.score().status_code for _ in range(3)] == [200, 200, 429]
        for moment in (EVENING, MIDNIGHT + 2 * DAY):
            clock.set(moment)
            refused = operator.score()
            assert refused.status_code == 429  # nor does setting the clock give anybody more
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
