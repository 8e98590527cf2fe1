"""`python -m benchmarks`: measures, prints, and writes `benchmarks/RESULTS.md`.

The whole request is compared with the floor in CPU seconds of the server process for one request, because load tool and
server share the machine's cores; the rounds alternate (A B A B), and medians are quoted.
"""

import os
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
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from benchmarks.bulk_lines import measure_bulk
from benchmarks.columns import KINDS as COLUMN_KINDS
from benchmarks.columns import compare, score_parquet
from benchmarks.growth import measure_growth, measure_memory
from benchmarks.load import prepare, send_all
from benchmarks.peers import measure_peers, score_readings
from benchmarks.population import example_bodies, full_bodies, sparse_bodies
from benchmarks.profiles import profile_of, profile_of_calls
from benchmarks.report import Measured, write_results
from benchmarks.service import cpu_seconds, free_port, measure_batch, measure_cold_start, serving, wait_until_ready

ROUNDS = 5
REQUESTS = 400
BULK_ROWS = 200_000
BULK_ROUNDS = 3
TODAY = date(2026, 11, 24)
RESULTS = Path(__file__).parent / "RESULTS.md"
KINDS: dict[str, Callable[[], list[bytes]]] = {
    "the example runner": example_bodies,
    "500 runners, little known": lambda: sparse_bodies(500),
    "4000 runners, nearly everything known": lambda: full_bodies(4_000),
}


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
    rules = published_rules()
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


def published_rules() -> CompiledRuleSet:
    """The rule set that ships, compiled."""
    document = published_document("2026.1")
    return compile_rule_set(
        RuleSetDocument.model_validate(document), version="2026.1", digest=digest_of(canonical_bytes(document))
    )


def measure() -> Measured:
    """Everything, one after the other; the parts that are compared take turns."""
    rules = published_rules()
    heart = measure_heart()
    peers = measure_peers(rules, rounds=ROUNDS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {"JOINT_RISK_DATABASE_URL": f"sqlite:///{folder}/store.db", "PYTHONPATH": "."}
        subprocess.run([sys.executable, "-m", "app.cli", "migrate"], env=environment, check=True)
        cold = measure_cold_start(environment, rounds=ROUNDS)
        port = free_port()
        with serving("benchmarks.floor:create_floor_app", port=port, environment=environment) as server:
            wait_until_ready(port)
            requests = measure_requests(port, server.pid)
            batch = measure_batch(port, server.pid, rounds=ROUNDS)
        columns = {kind: compare(rules, make, folder) for kind, make in COLUMN_KINDS.items()}
        bulk = {kind: measure_bulk(rules, make, folder, rounds=BULK_ROUNDS) for kind, make in COLUMN_KINDS.items()}
        in_columns = profile_of(partial(score_parquet, rules, folder / "in.parquet", folder / "out.parquet"))
        lines = full_bodies(2_000)
        calls = profile_of_calls(environment["JOINT_RISK_DATABASE_URL"], lines)
        growth = measure_growth(rules, folder, rounds=ROUNDS)
        memory = measure_memory(folder, rows=BULK_ROWS)
    told = [read_request(body, today=TODAY) for body in lines]
    standings = [assess(rules, each.request, as_of=each.as_of).standing for each in told]
    readings = [[standing.reading(ruler.feature) for ruler in rules.rulers] for standing in standings]
    profiles = {
        "a whole call in full without the server, 2,000 runners of whom nearly everything is known": calls,
        "bands, groups, totals of the same": profile_of(partial(_each, partial(score_readings, rules), readings)),
        "`assess`, 2,000 runners of whom nearly everything is known": profile_of(
            partial(_each, lambda each: assess(rules, each.request, as_of=each.as_of), told)
        ),
        "a line of a batch without the server: `read_request`, `assess`, `render`": profile_of(
            partial(_each, partial(_score_line, rules), lines)
        ),
        "Parquet to Parquet, runners of whom little is known": in_columns,
    }
    return Measured(heart, requests, peers, cold, batch, columns, bulk, growth, memory, profiles)


def _score_line(rules: CompiledRuleSet, body: bytes) -> bytes:
    read = read_request(body, today=TODAY)
    return render(assess(rules, read.request, as_of=read.as_of, findings=read.findings), detail="scores")


def main() -> None:
    """Measures everything and writes the results."""
    begun_s = time.monotonic()
    measured = measure()
    RESULTS.write_text(write_results(measured, rounds=ROUNDS, requests=REQUESTS, took_s=time.monotonic() - begun_s))
    print(f"written to {RESULTS.name}")


if __name__ == "__main__":
    main()
