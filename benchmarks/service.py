"""The service from outside: cold start against a bare FastAPI app, and a batch against a call for each runner."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.load import prepare, send_all
from benchmarks.population import full_bodies, sparse_bodies

RUNNERS = 2_000
CALLS = 800
DETAIL = "scores"
APPS = {"ours": "app.main:create_app", "bare": "benchmarks.bare:app"}
FIRST = {"ours": b'{"runner": {"age_years": 41}, "training": {}}', "bare": b'{"age_years": 41}'}


def cpu_seconds(pid: int) -> float:
    """CPU time of a process's threads, to the nanosecond where /proc/PID/stat counts hundredths of a second.

    A thread that has ended takes its time with it: measure where threads stay.
    """
    return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(app: str, *, port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server of this app, ended with the block."""
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen([*command, *(["--factory"] if ":create_" in app else [])], env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_ready(port: int) -> None:
    """Waits until something listens, for at most 30 seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise TimeoutError("the server did not start")


def post(path: str, body: bytes, *, port: int, media_type: str = "application/json") -> bytes:
    """Posts and returns the answer's body.

    Raises:
        RuntimeError: an answer that is not 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, {"content-type": media_type})
        answer = connection.getresponse()
        told = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(told[:200].decode())
    return told


class ColdStart(NamedTuple):
    """From the start of the process to the first answer, every round."""

    wall_s: dict[str, list[float]]
    cpu_s: dict[str, list[float]]


def measure_cold_start(environment: dict[str, str], *, rounds: int) -> ColdStart:
    """Starts both apps in turn; the first round of each, which fills the page cache, does not count.

    Both run compiled, as they do from the image, which is built with its bytecode: a checkout where none may be written
    (`PYTHONDONTWRITEBYTECODE`) would compile this package anew at every start, and the libraries of the bare app not.
    """
    with TemporaryDirectory(prefix="joint-risk-bytecode-") as compiled:
        kept = {name: told for name, told in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return _start_in_turns(kept | {"PYTHONPYCACHEPREFIX": compiled}, rounds=rounds)


def _start_in_turns(environment: dict[str, str], *, rounds: int) -> ColdStart:
    found = ColdStart({name: [] for name in APPS}, {name: [] for name in APPS})
    for number in range(rounds + 1):
        for name, app in APPS.items():
            port = free_port()
            begun_s = time.monotonic()
            with serving(app, port=port, environment=environment) as process:
                wait_until_ready(port)
                post("/v1/scores", FIRST[name], port=port)
                took_s = time.monotonic() - begun_s
                spent_s = cpu_seconds(process.pid)
            if number:
                found.wall_s[name].append(took_s)
                found.cpu_s[name].append(spent_s)
    return found


def measure_batch(port: int, pid: int, *, rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """CPU microseconds of the server for one runner: a call each, and a line each of one batch."""
    kinds = {"little known": sparse_bodies(RUNNERS), "nearly everything known": full_bodies(RUNNERS)}
    found: dict[str, tuple[list[float], list[float]]] = {kind: ([], []) for kind in kinds}
    for kind, bodies in kinds.items():
        lines = b"".join(b'{"id":"%d","request":%s}\n' % (number, body) for number, body in enumerate(bodies))
        requests = prepare(f"/v1/scores?detail={DETAIL}", bodies, port=port)
        for _ in range(rounds):
            before = cpu_seconds(pid)
            send_all(requests, port=port, count=CALLS)
            between = cpu_seconds(pid)
            answer = post(f"/v1/scores:batch?detail={DETAIL}", lines, port=port, media_type="application/jsonl")
            after = cpu_seconds(pid)
            if answer.count(b'"assessment"') != RUNNERS:
                raise RuntimeError("not every row of the batch was scored")
            found[kind][0].append((between - before) / CALLS * 1e6)
            found[kind][1].append((after - between) / RUNNERS * 1e6)
    return found
