"""A process of its own that decides about rule sets: races with others at a signal, or is killed in the middle.

python deciders.py race ACT URL THREADS    says "ready", waits for a line, prints every outcome as JSON
python deciders.py kill URL KILLS SEED     kills as many deciders, looks at the ledgers after each, prints the figures
"""

import hashlib
import json
import os
import random
import select
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import make_url

from app.database import connect_engine
from app.errors import JointRiskError
from app.rule_sets.ledgers import Publication, RuleSetLedgers

Row = tuple[Any, ...]
BEGUN = "begun"
# A cycle of two acts takes a few milliseconds; a kill falls into one of the first few, at any point of it.
KILL_WITHIN_S = 0.03


def publication(version: str) -> Publication:
    """A document that is large enough to be written in more than one piece, and different in every process and try."""
    canonical = json.dumps({"filling": "x" * 60_000, "of": os.urandom(8).hex(), "version": version}).encode()
    digest = f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    return Publication(version, digest, canonical, "ann", ("ann",), "for this test")


# --------------------------------------------------------------------------------------------------------------- races


def race(url: str, threads: int) -> None:
    """For each line that names an act: does it in every thread at once, and prints what became of each."""
    engine = connect_engine(url)
    ledgers = RuleSetLedgers(engine)
    acts: dict[str, Callable[[int, int], object]] = {
        "publish": lambda _place, _last: ledgers.publish(publication("2026.7")),
        "activate-one": lambda _place, _last: ledgers.activate("2026.2", reason="now", by="ann"),
        "activate-any": lambda place, _last: ledgers.activate(f"2026.{1 + place % 3}", reason="now", by="ann"),
        "activate-guarded": lambda place, last: ledgers.activate(
            f"2026.{1 + 2 * (place % 2)}", reason="now", by="ann", expected_sequence=last
        ),
    }
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        act, last = line.split()
        sys.stdout.write(json.dumps(_decide_together(acts[act], int(last), threads)) + "\n")
        sys.stdout.flush()
    engine.dispose()


def _decide_together(act: Callable[[int, int], object], last: int, threads: int) -> list[str]:
    outcomes: list[str] = []
    together = threading.Barrier(threads)

    def decide(place: int) -> None:
        together.wait()
        try:
            act(place, last)
        except JointRiskError as refused:
            outcomes.append(refused.slug)
        else:
            outcomes.append("done")

    deciders = [threading.Thread(target=decide, args=(place,)) for place in range(threads)]
    for decider in deciders:
        decider.start()
    for decider in deciders:
        decider.join()
    return outcomes


# --------------------------------------------------------------------------------------------------------------- kills


def decide_for_ever(url: str, number: int, said: int) -> None:
    """Publishes and activates one version after the other, and says each only once it has been told that it stands."""
    ledgers = RuleSetLedgers(connect_engine(url))
    ledgers.publish(publication(f"2027.{number}"))  # opens the connection, so that a kill falls into acts
    os.write(said, f"{BEGUN}\nversion 2027.{number}\n".encode())
    while True:
        number += 1
        version = f"2027.{number}"
        ledgers.publish(publication(version))
        os.write(said, f"version {version}\n".encode())
        activated = ledgers.activate(version, reason="now", by="ann")
        os.write(said, f"activation {activated.activation.sequence} {version}\n".encode())


def read_ledgers(url: str) -> tuple[list[Row], list[Row]]:
    """All versions and all activations, by the bare driver."""
    address = make_url(url)
    connection: sqlite3.Connection | psycopg.Connection[Any]
    if address.get_backend_name() == "sqlite":
        connection = sqlite3.connect(address.database or "", timeout=10)
    else:
        connection = psycopg.connect(address.set(drivername="postgresql").render_as_string(hide_password=False))
    with closing(connection):
        cursor = connection.cursor()
        cursor.execute("SELECT version, digest, document FROM rule_set_version")
        versions = cursor.fetchall()
        cursor.execute("SELECT sequence, version FROM rule_set_activation ORDER BY sequence")
        return versions, cursor.fetchall()


def kill_one(url: str, number: int, delay_s: float) -> list[str]:
    """Starts a decider, kills it after a while, and returns what it had been told that stands."""
    listening, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(listening)
        try:
            decide_for_ever(url, number, said)
        finally:
            os._exit(1)
    os.close(said)
    told = b""
    while BEGUN.encode() not in told:
        if not select.select([listening], [], [], 30)[0] or not (part := os.read(listening, 65_536)):
            raise RuntimeError("A decider ended before it was killed.")
        told += part
    time.sleep(delay_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(listening, 65_536):
        told += part
    os.close(listening)
    return [line for line in told.decode().splitlines() if line != BEGUN]


def kill_many(url: str, kills: int, seed: int) -> dict[str, int]:
    """The figures of as many kills at random points: what was found half done, lost, or out of order, after each."""
    chance = random.Random(seed)
    figures = dict.fromkeys(("kills", "half", "lost", "out_of_order", "acknowledged", "unsaid"), 0)
    acknowledged: set[str] = set()
    stand: set[str] = set()
    number = 1
    for _ in range(kills):
        told = kill_one(url, number, chance.uniform(0, KILL_WITHIN_S))
        acknowledged.update(told)
        versions, activations = read_ledgers(url)
        published = {version for version, _, _ in versions}
        stand = {f"version {version}" for version in published} | {
            f"activation {sequence} {version}" for sequence, version in activations
        }
        figures["half"] += sum(
            f"sha256:{hashlib.sha256(document.encode()).hexdigest()}" != digest for _, digest, document in versions
        ) + sum(version not in published for _, version in activations)
        figures["lost"] += len(acknowledged - stand)
        figures["out_of_order"] += [sequence for sequence, _ in activations] != list(range(1, len(activations) + 1))
        number = 1 + max(int(version.split(".")[1]) for version in published if version.startswith("2027."))
    figures["kills"] = kills
    figures["acknowledged"] = len(acknowledged)
    # Of 2026.1 nobody here was told.
    figures["unsaid"] = len(stand - acknowledged) - 2
    return figures


if __name__ == "__main__":
    if sys.argv[1] == "race":
        race(sys.argv[2], int(sys.argv[3]))
    else:
        sys.stdout.write(json.dumps(kill_many(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))) + "\n")
