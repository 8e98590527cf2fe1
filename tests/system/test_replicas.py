"""Several replicas on one PostgreSQL: each scores by what the ledger of activations says, come what may."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from app.database import connect_engine, migrate
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.rule_sets.ledgers import Publication, RuleSetLedgers
from app.rule_sets.store import RuleSetStore
from tests.postgresql import PostgresqlProcess, own_postgresql
from tests.system.load import Load
from tests.system.running import JSON, REQUEST, Server, Starter, wait_until

POLL_S = 0.5
# "Within poll + 1 s" is what operators are promised.
WITHIN_S = POLL_S + 1.0
SWITCHES = int(os.environ.get("SWITCHES", "4"))
# So many that one which was in force before the time that is allowed is not in force again within it.
VERSIONS = tuple(f"2026.{number}" for number in range(1, 9))
QUICK = {"poll_s": str(POLL_S), "store_timeout_s": "0.5"}


class Answered(NamedTuple):
    """One answer: when it was asked for and had, by which version, and its bytes."""

    sent_at: datetime
    done_at: datetime
    version: str
    body: bytes


@pytest.fixture
def postgresql() -> Iterator[PostgresqlProcess]:
    """A migrated server of the test's own, with eight published versions."""
    with own_postgresql() as process:
        migrate(process.url)
        with people(process.url) as ledgers:
            for version in VERSIONS[1:]:
                document: dict[str, Any] = published_document("2026.1")
                document["texts"] = {**dict(document["texts"]), "notice": f"Rules {version}."}
                canonical = canonical_bytes(document)
                ledgers.publish(Publication(version, digest_of(canonical), canonical, "ann", ("ann",), "for this test"))
        yield process


@contextmanager
def people(url: str) -> Iterator[RuleSetLedgers]:
    """Whoever decides about rule sets, on another machine."""
    engine = connect_engine(url)
    try:
        yield RuleSetLedgers(engine)
    finally:
        engine.dispose()


def state_of(server: Server) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{server.url}/readyz", timeout=20).json()
    return told


def version_of(server: Server) -> str | None:
    told = state_of(server)["rule_set"]
    return None if told is None else str(told["version"])


def wait_for_all(replicas: list[Server], version: str) -> None:
    """Waits until each of them serves this version."""
    wait_until(lambda: {version_of(replica) for replica in replicas} == {version})


def wait_for_more(answered: list[Answered], more: int) -> None:
    """Waits until this many more calls were answered."""
    wanted = len(answered) + more
    wait_until(lambda: len(answered) >= wanted)


def in_force_by_the_list(url: str) -> str | None:
    engine = connect_engine(url)
    try:
        found = RuleSetStore(engine).in_force(datetime.now(UTC))
        return None if found is None else found.version
    finally:
        engine.dispose()


def call(url: str, stop: threading.Event, answered: list[Answered]) -> None:
    """Scores without pause until told to stop; every answer has to be one."""
    with httpx.Client(base_url=url, timeout=20) as client:
        while not stop.is_set():
            sent_at = datetime.now(UTC)
            answer = client.post("/v1/scores", content=REQUEST, headers=JSON)
            done_at = datetime.now(UTC)
            assert answer.status_code == 200, answer.text
            version = answer.headers["Joint-Rule-Set"].partition(";")[0]
            answered.append(Answered(sent_at, done_at, version, answer.content))
            time.sleep(0.005)


def test_every_answer_is_by_rules_that_were_in_force_and_can_be_had_again(
    start: Starter, postgresql: PostgresqlProcess
) -> None:
    replicas = [start(database_url=postgresql.url, **QUICK) for _ in range(2)]
    answered: list[Answered] = []
    switched = [(datetime(2026, 1, 1, tzinfo=UTC), "2026.1")]
    slowest_s = 0.0
    stop = threading.Event()
    with ThreadPoolExecutor(2) as callers, people(postgresql.url) as ledgers:
        calling = [callers.submit(call, replica.url, stop, answered) for replica in replicas]
        try:
            for number in range(SWITCHES):
                version = VERSIONS[(number + 1) % len(VERSIONS)]
                row = ledgers.activate(version, reason="to and fro", by="cleo").activation
                assert row.effective_at is not None
                switched.append((row.effective_at, version))
                wait_for_all(replicas, version)
                slowest_s = max(slowest_s, (datetime.now(UTC) - row.effective_at).total_seconds())
                wait_for_more(answered, 4)
        finally:
            stop.set()
        for each in calling:
            each.result()
    ends = [moment for moment, _ in switched[1:]] + [datetime.max.replace(tzinfo=UTC)]
    spans = [(begin, end, version) for (begin, version), end in zip(switched, ends, strict=True)]
    wrong = [
        each
        for each in answered
        if not any(
            version == each.version and begin <= each.done_at and end >= each.sent_at - timedelta(seconds=WITHIN_S)
            for begin, end, version in spans
        )
    ]
    again = {
        (version, replica.url): httpx.post(
            f"{replica.url}/v1/scores?rule_set={version}", content=REQUEST, headers=JSON, timeout=20
        ).content
        for version in VERSIONS
        for replica in replicas
    }
    different = [each for each in answered if {again[each.version, replica.url] for replica in replicas} != {each.body}]
    sys.stdout.write(
        f"switches {SWITCHES}, answers {len(answered)}, wrong versions {len(wrong)}, other bytes when scored again "
        f"{len(different)}, slowest switch {slowest_s:.2f} s\n"
    )
    assert {each.version for each in answered} == {version for _, version in switched}
    assert wrong == []
    assert different == []
    assert slowest_s <= WITHIN_S + 1.0  # what two cores that do everything at once may add


def test_a_schedule_takes_effect_with_the_store_away_and_a_restart_goes_by_the_list(
    start: Starter, postgresql: PostgresqlProcess
) -> None:
    stays, goes = (start(database_url=postgresql.url, **QUICK) for _ in range(2))
    effective_at = datetime.now(UTC) + timedelta(seconds=4)
    with people(postgresql.url) as ledgers:
        row = ledgers.activate("2026.2", reason="tonight", by="cleo", effective_at=effective_at).activation
        time_left_s = (effective_at - datetime.now(UTC)).total_seconds()
        assert time_left_s > 0, "the machine is too slow for this test"
    wait_until(lambda: all(row.sequence in state_of(each)["scheduled"] for each in (stays, goes)))
    with Load([stays.url]) as load:
        postgresql.stop()
        wait_until(lambda: version_of(stays) == version_of(goes) == "2026.2")
        assert datetime.now(UTC) >= effective_at
        goes.process.kill()
        goes.process.wait()
        back = start(database_url=postgresql.url, **QUICK)
        assert httpx.get(f"{back.url}/readyz").status_code == 503  # it holds nothing, and says so
        assert httpx.post(f"{back.url}/v1/scores", content=REQUEST, headers=JSON).status_code == 503
        postgresql.start()
        wait_until(back.is_ready)
        assert version_of(back) == version_of(stays) == in_force_by_the_list(postgresql.url) == "2026.2"
    load.ensure_nothing_failed()
    assert httpx.get(f"{back.url}/readyz").json()["activation"] == row.sequence
    with people(postgresql.url) as ledgers:
        ledgers.activate("2026.1", reason="roll back", by="cleo")
    wait_until(lambda: version_of(back) == version_of(stays) == in_force_by_the_list(postgresql.url) == "2026.1")


def test_while_the_store_is_stopped_nothing_is_written_and_then_all_is_well_again(
    start: Starter, postgresql: PostgresqlProcess
) -> None:
    scopes = "score,rules:read,rules:write,rules:publish,rules:activate"
    server = start(database_url=postgresql.url, auth="off", auth_off_scopes=scopes, **QUICK)
    draft = f"{server.url}/v1/rule-set-drafts/spring"
    yaml = {"Content-Type": "application/yaml"}

    def write() -> set[tuple[int, str]]:
        answers = (
            httpx.put(draft, content=b"factors: []", headers=yaml, timeout=20),
            httpx.post(f"{draft}:publish", json={"version": "2026.7", "reason": "x"}, timeout=20),
            httpx.post(f"{server.url}/v1/rule-sets/2026.2:activate", json={"reason": "x"}, timeout=20),
            httpx.post(f"{server.url}/v1/rule-sets/2026.3:withdraw", json={"reason": "x"}, timeout=20),
        )
        return {(answer.status_code, answer.json().get("type", "")) for answer in answers}

    with Load([server.url]) as load:
        postgresql.stop()
        assert write() == {(503, "urn:joint-risk:problem:store-away")}
        began_s = time.monotonic()
        postgresql.start()
        wait_until(lambda: httpx.get(f"{server.url}/readyz").json()["status"] == "ok")
        sys.stdout.write(f"well again {time.monotonic() - began_s:.2f} s after the store began to start\n")
        assert httpx.put(draft, content=b"factors: []", headers=yaml, timeout=20).status_code == 201
        assert httpx.post(f"{server.url}/v1/rule-sets/2026.2:activate", json={"reason": "x"}).status_code == 201
        wait_until(lambda: version_of(server) == "2026.2")
    load.ensure_nothing_failed()
    sys.stdout.write(f"scores meanwhile {load.answers.total()}, failed 0\n")
    assert server.process.poll() is None
