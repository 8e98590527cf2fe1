"""`joint-risk serve` as a process: it starts, says where, answers as the command line does, and goes when told to."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.api.service import STORE_IS_THERE

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COMMAND = [sys.executable, "-m", "app.cli"]
START_MOST_S = 60
STOP_MOST_S = 25
NOBODY_THERE = "postgresql://127.0.0.1:9/rules"


def environment(store: str, **others: str) -> dict[str, str]:
    """What a command sees: settings of ours, and none that somebody has made for the machine."""
    kept = {name: told for name, told in os.environ.items() if not name.startswith("JOINT_RISK_")}
    return {**kept, "JOINT_RISK_DATABASE_URL": store, "JOINT_RISK_DRAIN_S": "0", "COLUMNS": "80", **others}


def run(*words: str, store: str, **others: str) -> subprocess.CompletedProcess[bytes]:
    """A finished command."""
    env = environment(store, **others)
    done = subprocess.run([*COMMAND, *words], capture_output=True, env=env, timeout=60, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


class Server:
    """A running `joint-risk serve`, on a port that the system chose unless an option names one."""

    def __init__(self, *options: str, store: str, log: Path, **others: str) -> None:
        self._store = store
        self._log = log
        with log.open("wb") as written:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=written,
                env=environment(store, **others),
            )
        assert self.process.stdout is not None
        self.said = [self.process.stdout.readline().decode()]
        self.url = self.said[0].split()[-1] if self.said[0] else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def logged(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def health(self) -> subprocess.CompletedProcess[bytes]:
        return run("health", "--url", self.url, store=self._store)

    def wait_until_ready(self) -> Self:
        deadline = time.monotonic() + START_MOST_S
        while self.health().returncode != 0:
            assert self.process.poll() is None, self.logged
            assert time.monotonic() < deadline, self.logged
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks it to end, waits until it has, and says with which code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=STOP_MOST_S)


class Starter:
    """Starts servers, each with a log of its own; none of them outlives the test."""

    def __init__(self, folder: Path, servers: ExitStack) -> None:
        self._folder = folder
        self._servers = servers
        self._count = 0

    def __call__(self, *options: str, store: str, **others: str) -> Server:
        self._count += 1
        log = self._folder / f"server-{self._count}.log"
        return self._servers.enter_context(Server(*options, store=store, log=log, **others))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Starter]:
    with ExitStack() as servers:
        yield Starter(tmp_path, servers)


@pytest.fixture
def new_store(tmp_path: Path) -> str:
    """The address of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'new.db'}"


def test_a_service_makes_its_store_answers_as_this_machine_does_and_goes_when_told_to(
    serve: Starter, new_store: str
) -> None:
    server = serve(store=new_store).wait_until_ready()

    assert re.fullmatch(r"Joint-risk listens at http://127\.0\.0\.1:[1-9]\d*\n", server.said[0])
    asked = [(path, ["--all"]) for path in sorted(EXAMPLES.glob("*.json"))]
    asked.append((asked[0][0], ["--min-evidence", "low", "--json", "--detail", "codes"]))
    for path, options in asked:
        there = run("score", str(path), *options, "--url", server.url, store="sqlite:////nowhere/at-all.db")
        here = run("score", str(path), *options, store=new_store)
        assert (there.returncode, there.stdout) == (0, here.stdout)
    started_s = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started_s < 10
    assert server.health().returncode == 1


def test_a_refusal_is_told_alike_by_a_service_and_by_this_machine(
    serve: Starter, sqlite_store_url: str, tmp_path: Path
) -> None:
    server = serve(store=sqlite_store_url).wait_until_ready()
    faulty = tmp_path / "faulty.json"
    faulty.write_text('{"runner": {"age_years": 977, "knee": {"pain_now": "much"}}, "training": {}, "nme": 1}')
    sound = str(EXAMPLES / "sound-runner.json")

    here = run("score", str(faulty), store=sqlite_store_url)
    there = run("score", str(faulty), "--url", server.url, store=sqlite_store_url)
    assert (there.returncode, there.stdout, there.stderr) == (3, b"", here.stderr)
    assert there.stderr.count(b"\n  /") == 3
    unknown = run("score", sound, "--rule-set", "1999.1", "--url", server.url, store=sqlite_store_url)
    assert unknown.returncode == 7
    assert unknown.stderr.startswith(b"joint-risk: No published rule set has this version.")


def test_the_log_tells_the_call_and_nothing_of_the_runner(serve: Starter, sqlite_store_url: str) -> None:
    server = serve(store=sqlite_store_url).wait_until_ready()
    body = (EXAMPLES / "risky-runner.json").read_bytes()
    answer = httpx.post(f"{server.url}/v1/scores?lang=en", content=body, trust_env=False)
    server.stop()

    (line,) = [line for line in server.logged.splitlines() if "/v1/scores" in line]
    told = json.loads(line)
    assert (told["request_id"], told["method"], told["route"]) == (answer.headers["Request-Id"], "POST", "/v1/scores")
    assert (told["status"], told["rule_set"], told["runners"]) == (200, "2026.1", 1)
    assert "server" not in answer.headers
    for word in ("lang=en", "raised", "knee", "640000"):
        assert word not in server.logged


def test_a_service_that_is_told_to_go_drains_first_and_says_so(serve: Starter, sqlite_store_url: str) -> None:
    server = serve(store=sqlite_store_url, JOINT_RISK_DRAIN_S="20").wait_until_ready()
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_MOST_S
    while server.health().returncode == 0:
        assert time.monotonic() < deadline

    told = server.health().stderr.decode()
    assert told in [f"joint-risk: not ready: draining (store: {word})\n" for word in STORE_IS_THERE]
    scored = run("score", str(EXAMPLES / "sound-runner.json"), "--url", server.url, store=sqlite_store_url)
    assert scored.returncode == 0
    assert server.stop() == 0  # a second signal ends the waiting


def test_an_interrupt_from_the_keyboard_is_no_failure(serve: Starter, sqlite_store_url: str) -> None:
    server = serve(store=sqlite_store_url).wait_until_ready()

    assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.logged


def test_several_processes_serve_at_one_address_and_go_together(serve: Starter, sqlite_store_url: str) -> None:
    server = serve("--workers", "2", store=sqlite_store_url).wait_until_ready()
    scored = run("score", str(EXAMPLES / "sound-runner.json"), "--url", server.url, store=sqlite_store_url)

    assert scored.returncode == 0
    assert server.stop() == 0
    assert server.health().returncode == 1


def test_health_asks_at_the_address_of_the_settings(serve: Starter, sqlite_store_url: str) -> None:
    server = serve(store=sqlite_store_url, JOINT_RISK_AUTH="off").wait_until_ready()
    port = server.url.rpartition(":")[2]
    # What listens at every address is asked at this machine's own.
    asked = run("health", store=sqlite_store_url, JOINT_RISK_HOST="0.0.0.0", JOINT_RISK_PORT=port)

    assert asked.returncode == 0
    assert asked.stdout.decode() in [f"ok (store: {word})\n" for word in STORE_IS_THERE]
    assert "JOINT_RISK_AUTH=off" in server.logged


def test_a_taken_port_is_named(sqlite_store_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run("serve", "--port", port, store=sqlite_store_url)

    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr == f"joint-risk: Port {port} at 127.0.0.1 is taken. Choose another with --port.\n".encode()


def test_a_taken_port_of_operators_is_named(sqlite_store_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:  # as another service of ours would have it
        port = str(taken.getsockname()[1])
        refused = run("serve", "--port", "0", store=sqlite_store_url, JOINT_RISK_MANAGEMENT_PORT=port)

    named = f"joint-risk: Port {port} at 127.0.0.1 is taken. Choose another with JOINT_RISK_MANAGEMENT_PORT.\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, b"", named.encode())


def test_operators_and_callers_cannot_have_the_same_port(sqlite_store_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    refused = run("serve", "--port", port, store=sqlite_store_url, JOINT_RISK_MANAGEMENT_PORT=port)

    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"Choose another with JOINT_RISK_MANAGEMENT_PORT." in refused.stderr


def test_an_address_of_another_machine_is_named(sqlite_store_url: str) -> None:
    refused = run("serve", "--host", "192.0.2.1", "--port", "0", store=sqlite_store_url, JOINT_RISK_AUTH="off")

    assert refused.returncode == 1
    assert b"joint-risk: Cannot listen at 192.0.2.1" in refused.stderr


def test_without_keys_no_other_machine_is_served(new_store: str, tmp_path: Path) -> None:
    refused = run("serve", "--host", "0.0.0.0", store=new_store)

    assert refused.returncode == 8
    assert b"JOINT_RISK_AUTH=off" in refused.stderr
    assert list(tmp_path.glob("new.db*")) == []


def test_postgresql_is_served_once_somebody_has_migrated_it(serve: Starter, postgresql_url: str) -> None:
    refused = run("serve", "--port", "0", store=postgresql_url)
    assert (refused.returncode, refused.stdout) == (4, b"")
    assert b"joint-risk migrate" in refused.stderr

    assert serve("--migrate", store=postgresql_url).wait_until_ready().stop() == 0
    assert serve(store=postgresql_url).wait_until_ready().stop() == 0


def test_a_service_whose_store_is_away_starts_and_is_not_ready(serve: Starter) -> None:
    server = serve(store=NOBODY_THERE)

    assert server.url.startswith("http://127.0.0.1:")
    assert server.health().returncode == 1
    assert server.process.poll() is None
    assert "The store does not answer yet." in server.logged
    assert server.stop() == 0
