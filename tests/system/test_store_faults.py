"""Whatever becomes of the store under load: no score fails, operators are told, and it is well again by itself."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from app.database import migrate
from tests.postgresql import PostgresqlProcess, own_postgresql
from tests.store.relay import Relay
from tests.system.load import Load
from tests.system.running import Server, Starter, wait_until

QUICK = {"poll_s": "0.2", "store_timeout_s": "0.5"}
CALLS = 40
"""Calls that have to be answered while something is wrong, before it is mended."""


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgresqlProcess]:
    """A migrated server of this file's own, because its tests stop it."""
    with own_postgresql() as process:
        migrate(process.url)
        yield process


def health(server: Server) -> dict[str, Any]:
    answer = httpx.get(f"{server.url}/readyz")
    assert answer.status_code == 200, "a store that is away takes no replica out"
    told: dict[str, Any] = answer.json()
    return told


def ensure_scores_go_on(
    server: Server, *, begin: Callable[[], object], end: Callable[[], object], is_noticed: bool = True
) -> None:
    """Puts the store out of order and in order again, under load."""
    wait_until(lambda: health(server)["status"] == "ok")
    with Load([server.url]) as load:
        begin()
        try:
            if is_noticed:
                wait_until(lambda: health(server)["store"] == "away")
                refused = httpx.get(f"{server.url}/v1/rule-sets")
                assert (refused.status_code, refused.json()["type"]) == (503, "urn:joint-risk:problem:store-away")
                assert refused.headers["Retry-After"]
                metrics = httpx.get(f"{server.url}/metrics").text
                assert "joint_risk_store_up 0.0" in metrics
            load.wait_for(CALLS)
        finally:
            end()
        wait_until(lambda: health(server)["status"] == "ok")
        assert httpx.get(f"{server.url}/v1/rule-sets").status_code == 200
        load.wait_for(CALLS)
    load.ensure_nothing_failed()
    assert server.process.poll() is None, "it needed no restart"


def test_a_store_that_is_stopped(start: Starter, postgresql: PostgresqlProcess) -> None:
    server = start(database_url=postgresql.url, **QUICK)
    ensure_scores_go_on(server, begin=postgresql.stop, end=postgresql.start)


def test_a_store_that_is_frozen(start: Starter, postgresql: PostgresqlProcess) -> None:
    server = start(database_url=postgresql.url, **QUICK)
    ensure_scores_go_on(server, begin=postgresql.freeze, end=postgresql.thaw)


def test_a_store_that_is_restarted(start: Starter, postgresql: PostgresqlProcess) -> None:
    def restart() -> None:
        postgresql.stop()
        postgresql.start()

    server = start(database_url=postgresql.url, **QUICK)
    ensure_scores_go_on(server, begin=restart, end=lambda: None, is_noticed=False)


@pytest.mark.parametrize(("delay_s", "is_noticed"), [(0.05, False), (2.0, True)])
def test_a_store_behind_a_slow_network(
    start: Starter, postgresql: PostgresqlProcess, delay_s: float, is_noticed: bool
) -> None:
    there = make_url(postgresql.url)
    relay = Relay(there.host or "", there.port or 0)
    try:
        here = there.set(host="127.0.0.1", port=relay.port).render_as_string(hide_password=False)
        server = start(database_url=here, **QUICK)
        ensure_scores_go_on(
            server, begin=lambda: relay.delay(delay_s), end=lambda: relay.delay(0), is_noticed=is_noticed
        )
    finally:
        relay.close()


def test_a_store_that_may_only_be_read(start: Starter, postgresql: PostgresqlProcess) -> None:
    def set_read_only(choice: str) -> None:
        options = "-c default_transaction_read_only=off"
        with psycopg.connect(postgresql.url, autocommit=True, options=options) as connection:
            connection.execute(f"ALTER DATABASE postgres SET default_transaction_read_only = {choice}")

    server = start(database_url=postgresql.url, **QUICK)
    ensure_scores_go_on(server, begin=lambda: set_read_only("on"), end=lambda: set_read_only("off"), is_noticed=False)


def test_a_sqlite_file_that_somebody_else_locks(start: Starter, tmp_path: Path) -> None:
    server = start(**QUICK)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    try:
        ensure_scores_go_on(
            server,
            begin=lambda: other.execute("BEGIN EXCLUSIVE"),
            end=lambda: other.execute("ROLLBACK"),
            is_noticed=False,
        )
    finally:
        other.close()


def test_a_sqlite_file_that_is_gone(start: Starter, tmp_path: Path) -> None:
    server = start(**QUICK)
    folder, aside = tmp_path / "store.db", tmp_path / "aside.db"

    def begin() -> None:
        folder.rename(aside)
        folder.mkdir()

    def end() -> None:
        folder.rmdir()
        aside.rename(folder)

    # An open file outlives its name, so this is only noticed by who opens it anew.
    ensure_scores_go_on(server, begin=begin, end=end, is_noticed=False)
