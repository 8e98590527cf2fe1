"""`python -m benchmarks`: measures, prints, and writes `benchmarks/RESULTS.md`.

The whole request is compared with the floor in CPU seconds of the server process for one request, because load tool and
server share the machine's cores; the rounds alternate (A B A B), and medians are quoted.
"""

import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.runners import ScoreRequest, read_request
from app.scoring.assessment import render
from app.scoring.compiled import compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from benchmarks.load import prepare, send_all
from benchmarks.population import example_bodies, full_bodies, sparse_bodies

ROUNDS = 9
REQUESTS = 600
TODAY = date(2026, 11, 24)
RESULTS = Path(__file__).parent / "RESULTS.md"
KINDS: dict[str, Callable[[], list[bytes]]] = {
    "the example runner": example_bodies,
    "500 runners, little known": lambda: sparse_bodies(500),
    "4000 runners, nearly everything known": lambda: full_bodies(4_000),
}


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_requests(port: int, pid: int) -> list[str]:
    """Rows of the table of whole requests, one for each kind of runner and size of answer."""
    rows = []
    for kind, make in KINDS.items():
        bodies = make()
        for detail in ("full", "codes", "scores"):
            path = f"/v1/scores?detail={detail}"
            size = send_all(prepare(path, bodies, port=port), port=port, count=100) // 100
            paths = {
                "ours": path,
                "bare": f"/floor/bare?size={size}",
                "declared": f"/floor/declared?size={size}",
            }
            spent: dict[str, list[float]] = {name: [] for name in paths}
            for _ in range(ROUNDS):
                for name, each in paths.items():
                    requests = prepare(each, bodies, port=port)
                    before = cpu_seconds(pid)
                    send_all(requests, port=port, count=REQUESTS)
                    spent[name].append((cpu_seconds(pid) - before) / REQUESTS * 1e6)
            ours, bare, declared = (statistics.median(spent[name]) for name in ("ours", "bare", "declared"))
            spread = max(spent["ours"]) / min(spent["ours"])
            rows.append(
                f"| {kind} | {detail} | {size / 1000:.1f} | {ours:.0f} | {declared:.0f} | {bare:.0f} | "
                f"**{declared / ours:.2f}** | {bare / ours:.2f} | {spread:.2f} |"
            )
            print(rows[-1], flush=True)
    return rows


def measure_heart() -> list[str]:
    """Rows of the table of the heart's parts, in microseconds and against parsing the body."""
    document = published_document("2026.1")
    rules = compile_rule_set(
        RuleSetDocument.model_validate(document), version="2026.1", digest=digest_of(canonical_bytes(document))
    )
    rows = []
    for kind, make in KINDS.items():
        bodies = make()[:200]
        read = [read_request(body, today=TODAY) for body in bodies]
        assessed = [assess(rules, told.request, as_of=told.as_of) for told in read]
        parts: dict[str, Callable[[], object]] = {
            "parse": partial(_each, ScoreRequest.model_validate_json, bodies),
            "read": partial(_each, partial(read_request, today=TODAY), bodies),
            "assess": partial(_each, lambda told: assess(rules, told.request, as_of=told.as_of), read),
            "render": partial(_each, render, assessed),
        }
        spent: dict[str, list[float]] = {name: [] for name in parts}
        for _ in range(ROUNDS):
            for name, part in parts.items():
                repeats = max(1, 400 // len(bodies))
                before = time.process_time()
                for _ in range(repeats):
                    part()
                spent[name].append((time.process_time() - before) / repeats / len(bodies) * 1e6)
        medians = {name: statistics.median(times) for name, times in spent.items()}
        cells = " | ".join(f"{medians[name]:.0f} ({medians[name] / medians['parse']:.1f})" for name in parts)
        rows.append(f"| {kind} | {cells} |")
        print(rows[-1], flush=True)
    return rows


def _each(do: Callable[[Any], object], items: list[Any]) -> None:
    for item in items:
        do(item)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Measures everything and writes the results."""
    heart = measure_heart()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"JOINT_RISK_DATABASE_URL": f"sqlite:///{folder}/store.db", "PYTHONPATH": "."}
        subprocess.run([sys.executable, "-m", "app.cli", "migrate"], env=environment, check=True)
        server = subprocess.Popen(
            [
                sys.executable, "-m", "uvicorn", "benchmarks.floor:create_floor_app", "--factory", "--port", str(port),
                "--no-access-log", "--log-level", "warning",
            ],
            env=environment,
        )  # fmt: skip
        try:
            wait_until_ready(port)
            requests = measure_requests(port, server.pid)
        finally:
            server.terminate()
            server.wait(timeout=20)
    RESULTS.write_text(write_results(heart, requests))
    print(f"written to {RESULTS.name}")


def wait_until_ready(port: int) -> None:
    """Waits until something listens, for at most 30 seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not start")


def write_results(heart: list[str], requests: list[str]) -> str:
    """The page of results."""
    lines = [
        "# Results",
        "",
        f"Made by `make bench` on Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}. "
        f"Medians of {ROUNDS} alternating rounds of {REQUESTS} requests, one worker.",
        "Absolute times are of one shared machine and prove nothing; the ratios are what to read.",
        "",
        "## The whole request against the floor",
        "",
        "CPU microseconds of the server process for one request. *Declared*: the same app, the request model as",
        "FastAPI's parameter, prebuilt bytes of the same size. *Bare*: the same app, the body parsed once by",
        "pydantic-core as the real route does, prebuilt bytes. The ratios are throughput against the floor for the",
        "same CPU time.",
        "",
        "| Runners | Detail | kB | ours | declared | bare | against declared | against bare | spread |",
        "|---|---|---|---|---|---|---|---|---|",
        *requests,
        "",
        "## The heart",
        "",
        "Microseconds for one runner and, in brackets, against parsing the body. *Read* is parsing and every check;",
        "*assess* is features, bands, points, advice, ranges and the next question; *render* is the full answer.",
        "",
        "| Runners | parse | read | assess | render |",
        "|---|---|---|---|---|",
        *heart,
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
