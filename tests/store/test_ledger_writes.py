"""What people decide at once is decided one after the other, whole or not at all, whoever is killed in the middle."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import Engine

from app.errors import LedgerRefusedError, NotScheduledError
from app.rule_sets import ledgers as ledgers_module
from app.rule_sets.ledgers import RuleSetLedgers
from app.rule_sets.store import RuleSetStore
from tests.store.raw import RawDatabase

DECIDERS = Path(__file__).with_name("deciders.py")
PROCESSES, THREADS = 4, 8
KILLS = int(os.environ.get("KILLS", "5"))
KILLED_MOST_S = 60 + KILLS * 2
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledgers(store_engine: Engine, clock: Clock, raw: RawDatabase) -> RuleSetLedgers:
    for number, letter in ((2, "a"), (3, "b"), (4, "c")):
        raw.publish(f"2026.{number}", digest_letter=letter)
    return RuleSetLedgers(store_engine, clock=clock)


@pytest.fixture
def store(store_engine: Engine) -> RuleSetStore:
    return RuleSetStore(store_engine)


class Racers:
    """Four processes of eight threads each, which begin an act all at once."""

    def __init__(self, url: str) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, str(DECIDERS), "race", url, str(THREADS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(PROCESSES)
        ]
        self._channels = [(process.stdin, process.stdout) for process in self._processes]

    def __enter__(self) -> Self:
        for _, out in self._channels:
            assert out is not None
            assert out.readline() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def race(self, act: str, *, last_sequence: int = 0) -> Counter[str]:
        """What became of 32 acts at once."""
        for into, _ in self._channels:
            assert into is not None
            into.write(f"{act} {last_sequence}\n")
            into.flush()
        return Counter(outcome for _, out in self._channels if out for outcome in json.loads(out.readline()))


def test_of_32_who_decide_at_once_in_four_processes_one_is_first_and_all_others_are_told(
    store_url: str, raw: RawDatabase
) -> None:
    raw.publish("2026.2", digest_letter="a")
    raw.publish("2026.3", digest_letter="b")
    with Racers(store_url) as racers:
        assert racers.race("publish") == {"done": 1, "version-taken": 31}
        assert racers.race("activate-one") == {"done": 1, "already-in-force": 31}
        assert racers.race("activate-guarded", last_sequence=2) == {"done": 1, "precondition-failed": 31}
        outcomes = racers.race("activate-any")
    assert set(outcomes) <= {"done", "already-in-force"}
    assert sum(outcomes.values()) == PROCESSES * THREADS
    everything = raw.everything()
    assert [row[0] for row in everything["rule_set_version"]] == ["2026.1", "2026.2", "2026.3", "2026.7"]
    activations = everything["rule_set_activation"]
    assert [row[0] for row in activations] == list(range(1, outcomes["done"] + 4))
    moments = [row[3] for row in activations]
    assert moments == sorted(moments)


def test_a_process_that_is_killed_at_any_point_leaves_nothing_half_and_loses_nothing_that_it_was_told(
    store_url: str,
) -> None:
    command = [sys.executable, str(DECIDERS), "kill", store_url, str(KILLS), "20261124"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=KILLED_MOST_S, check=True)
    figures = json.loads(done.stdout)
    sys.stdout.write(f"{store_url.partition(':')[0]}: {figures}\n")
    assert figures["kills"] == KILLS
    assert (figures["half"], figures["lost"], figures["out_of_order"]) == (0, 0, 0)
    assert figures["acknowledged"] >= KILLS


def test_what_is_kept_is_decided_again_behind_the_decision_that_would_outrank_it(
    ledgers: RuleSetLedgers, store: RuleSetStore, clock: Clock
) -> None:
    ledgers.activate("2026.2", reason="winter", by="ann", effective_at=NOON + 5 * HOUR)
    ledgers.activate("2026.3", reason="spring", by="ann", effective_at=NOON + 9 * HOUR)
    clock.now = NOON + HOUR
    activated = ledgers.activate("2026.4", reason="a mistake in 2026.1", by="bob", schedule="keep")
    assert activated.activation.cancels == ()
    assert [(row.sequence, row.version, row.cancels) for row in activated.kept] == [
        (5, "2026.2", (2,)),
        (6, "2026.3", (3,)),
    ]
    found = [store.in_force(NOON + hours * HOUR) for hours in (0, 1, 4, 5, 8, 9)]
    assert [row.version for row in found if row] == ["2026.1", "2026.4", "2026.4", "2026.2", "2026.2", "2026.3"]
    with pytest.raises(NotScheduledError):
        ledgers.cancel(2, reason="no", by="bob")
    ledgers.cancel(5, reason="no", by="bob")
    found_now = store.in_force(NOON + 6 * HOUR)
    assert found_now is not None
    assert found_now.version == "2026.4"


def test_a_schedule_before_another_outranks_it_unless_that_is_kept(
    ledgers: RuleSetLedgers, store: RuleSetStore
) -> None:
    ledgers.activate("2026.2", reason="late", by="ann", effective_at=NOON + 5 * HOUR)
    ledgers.activate("2026.3", reason="early", by="ann", effective_at=NOON + 2 * HOUR)
    found = store.in_force(NOON + 6 * HOUR)
    assert found is not None
    assert found.version == "2026.3"  # later decisions win
    ledgers.activate("2026.4", reason="earlier", by="ann", effective_at=NOON + HOUR, schedule="keep")
    at = [store.in_force(NOON + hours * HOUR) for hours in (1, 2, 6)]
    assert [row.version for row in at if row] == ["2026.4", "2026.3", "2026.3"]


def test_a_clock_that_steps_back_does_not_keep_a_rollback_from_taking_effect(
    ledgers: RuleSetLedgers, store: RuleSetStore, clock: Clock
) -> None:
    ledgers.activate("2026.2", reason="forth", by="ann")
    clock.now = NOON - 3 * HOUR
    ledgers.activate("2026.1", reason="back", by="ann", schedule="cancel")
    for moment in (clock.now, NOON, NOON + HOUR):
        row = store.in_force(moment)
        assert row is not None
        assert (row.sequence, row.version) == (3, "2026.1")


def test_what_the_database_itself_refuses_is_a_refusal_and_leaves_nothing(
    ledgers: RuleSetLedgers, raw: RawDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw.withdraw(1, "2026.3")
    # As if another release wrote here that does not know of withdrawals.
    monkeypatch.setattr(ledgers_module, "ensure_not_withdrawn", lambda *_, **__: None)
    before = raw.everything()
    with pytest.raises(LedgerRefusedError):
        ledgers.activate("2026.3", reason="now", by="ann")
    assert raw.everything() == before
