"""A database that is away, frozen, locked or broken says so within about the timeout, as one error of ours."""

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from app.database import ask, connect_engine, migrate, schema_state
from app.errors import StoreAwayError
from app.rule_sets.store import RuleSetStore
from tests.store.raw import RawDatabase, open_raw
from tests.store.relay import Relay

TIMEOUT_S = 0.5
# Connecting is given two seconds at least, and a machine under load its time; without a limit it would be minutes.
AT_MOST_S = 5.0
NOW = datetime(2026, 12, 1, tzinfo=UTC)

QUESTIONS: list[Callable[[RuleSetStore], object]] = [
    lambda store: store.versions(limit=1),
    lambda store: store.version("2026.1"),
    lambda store: store.activations(limit=1),
    lambda store: store.in_force(NOW),
    lambda store: store.scheduled(NOW),
    lambda store: store.last_sequence(),
    lambda store: store.last_sequences(),
    lambda store: store.withdrawals(),
    lambda store: store.documents(),
]


@contextmanager
def engine_on(database_url: str, *, timeout_s: float = TIMEOUT_S) -> Iterator[Engine]:
    engine = connect_engine(database_url, timeout_s=timeout_s)
    try:
        yield engine
    finally:
        engine.dispose()


def ensure_away(engine: Engine, *, within_s: float = AT_MOST_S) -> None:
    """Asks one question and fails unless it is answered by our error, in time."""
    started = time.monotonic()
    with pytest.raises(StoreAwayError):
        RuleSetStore(engine).last_sequence()
    assert time.monotonic() - started < within_s


@pytest.mark.parametrize("question", range(len(QUESTIONS)))
def test_a_database_without_our_tables_counts_as_away(tmp_path: Path, question: int) -> None:
    with engine_on(f"sqlite:///{tmp_path / 'empty.db'}") as engine, pytest.raises(StoreAwayError):
        QUESTIONS[question](RuleSetStore(engine))


def test_a_postgresql_without_our_tables_counts_as_away(postgresql_url: str) -> None:
    with engine_on(postgresql_url) as engine:
        assert schema_state(engine) == "empty"
        ensure_away(engine)


def test_a_port_where_nobody_listens_is_away() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    address = f"postgresql://nobody@127.0.0.1:{port}/rules"
    with engine_on(address) as engine:
        ensure_away(engine)
        with pytest.raises(StoreAwayError):
            schema_state(engine)
    with pytest.raises(StoreAwayError):
        migrate(address)


def test_a_server_that_accepts_and_says_nothing_is_away() -> None:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as silent,
        engine_on(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/rules") as engine,
    ):
        ensure_away(engine)


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_server_that_freezes_in_the_middle_is_away_and_comes_back(
    store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = make_url(store_url)
    with closing(Relay(url.host or "", url.port or 5432)) as first:
        through = url.set(host="127.0.0.1", port=first.port).render_as_string(hide_password=False)
        with engine_on(through, timeout_s=2.0) as engine:
            assert RuleSetStore(engine).last_sequence() == 1
            first.freeze()
            # Waiting twice, for the answer and for the end of the transaction, would be too long.
            ensure_away(engine, within_s=4.5)
            first.thaw()
            assert RuleSetStore(engine).last_sequence() == 1
    assert caplog.records == []


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_table_that_stays_locked_is_away_and_the_connection_survives(store_url: str) -> None:
    with engine_on(store_url) as engine, open_raw(store_url) as other:
        session = ask(engine, lambda connection: connection.scalar(text("SELECT pg_backend_pid()")))
        other.run("BEGIN")
        other.run("LOCK TABLE rule_set_activation IN ACCESS EXCLUSIVE MODE")
        ensure_away(engine)
        other.run("ROLLBACK")
        assert RuleSetStore(engine).last_sequence() == 1
        assert ask(engine, lambda connection: connection.scalar(text("SELECT pg_backend_pid()"))) == session


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_restart_of_the_server_between_two_questions_goes_unnoticed(store_url: str, raw: RawDatabase) -> None:
    with engine_on(store_url) as engine:
        assert RuleSetStore(engine).last_sequence() == 1
        ended = raw.run(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'joint-risk'"
        )
        assert ended == [(True,)]
        assert RuleSetStore(engine).last_sequence() == 1


def test_a_sqlite_file_that_somebody_keeps_to_himself_is_away_until_he_lets_go(sqlite_store_url: str) -> None:
    file = make_url(sqlite_store_url).database or ""
    with engine_on(sqlite_store_url) as engine:
        with closing(sqlite3.connect(file, isolation_level=None)) as greedy:
            greedy.execute("PRAGMA locking_mode = EXCLUSIVE")
            greedy.execute("BEGIN EXCLUSIVE")
            ensure_away(engine)
        assert RuleSetStore(engine).last_sequence() == 1


def test_a_writer_in_a_file_without_a_log_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("CREATE TABLE letters (body)")
        writer.execute("BEGIN IMMEDIATE")
        with engine_on(f"sqlite:///{file}", timeout_s=5.0) as engine:
            done = threading.Timer(0.2, writer.execute, ["COMMIT"])
            done.start()
            assert ask(engine, lambda connection: connection.scalar(text("PRAGMA journal_mode"))) == "wal"
            done.join()


def test_a_writer_of_sqlite_keeps_nobody_from_reading(sqlite_store_url: str) -> None:
    with engine_on(sqlite_store_url) as engine, open_raw(sqlite_store_url) as writer:
        writer.run("BEGIN IMMEDIATE")
        writer.activate(2, "2026.1")
        assert RuleSetStore(engine).last_sequence() == 1
        writer.run("COMMIT")
        assert RuleSetStore(engine).last_sequence() == 2


def test_a_file_that_is_no_database_and_a_folder_that_cannot_be_made_are_away(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear runner, " * 1000, encoding="utf-8")
    for address in (f"sqlite:///{letter}", f"sqlite:///{letter}/below/store.db"):
        with engine_on(address) as engine:
            ensure_away(engine)
        with pytest.raises(StoreAwayError):
            migrate(address)
    assert letter.read_text(encoding="utf-8").startswith("Dear runner")


def test_a_question_beyond_the_two_connections_is_away_after_the_timeout(store_url: str) -> None:
    with engine_on(store_url) as engine, engine.connect(), engine.connect():
        ensure_away(engine)
