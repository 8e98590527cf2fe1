"""The API tried from its own description, by somebody who knows nothing else of it.

`make test` sends a few cases to every operation, `make fuzz` 20,000 in all: FUZZ_CASES says how many, FUZZ_EXAMPLES how
many of them for each operation and round, FUZZ_SHARE which part of the links has to be followed and of the operations
to succeed.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import httpx

from app.api.openapi_document import describe_api
from tests.api.keyring import Key, Keyring
from tests.system.fuzz_report import Call, declared_links, read_calls, table_of
from tests.system.running import ROOT, Server, Starter

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
SHARE = float(os.environ.get("FUZZ_SHARE", "0.5"))
SEED = 2026
ROUNDS_MOST = 60
ROUND_MOST_S = 900
ANSWER_MOST_S = 30
# What a first round brings is loaded once: libraries, compiled rules, cards and comparisons that are kept.
WARM_MOST_BYTES = 250_000_000
GROWTH_MOST_BYTES = 30_000_000
# The description has 2026.2 as its example of a version to compare with: where it is there, every case of a comparison
# scores 11,000 runners or a cohort, and no longer ends at a version that is not known.
IS_WHOLE = CASES >= 20_000
VERSIONS = ("2026.3", "2026.2") if IS_WHOLE else ("2026.3",)
# What covers every edge of a runner does so for POST /v1/scores already; these two take the same runners.
LEFT_OUT = (
    ""
    if IS_WHOLE
    else """
[[operations]]
include-operation-id = ["score_batch", "compare_rule_sets_over_cohort"]
phases.coverage.enabled = false
"""
)
CONFIG = ROOT / "tests" / "system" / "schemathesis.toml"
RULE_SET = ROOT / "examples" / "small-rule-set.yaml"


class Fuzzer:
    """Somebody with a key and the description, who tries in rounds, each with a seed of its own."""

    def __init__(self, server: Server, key: Key, folder: Path) -> None:
        self._server = server
        self._key = key
        self._folder = folder
        self._config = folder / "schemathesis.toml"
        self._config.write_text(CONFIG.read_text(encoding="utf-8") + LEFT_OUT, encoding="utf-8")
        self.calls: list[Call] = []
        self.rss_bytes: list[int] = [server.rss_bytes()]

    @property
    def links(self) -> set[str]:
        """What was gone on with."""
        return {call.link for call in self.calls if call.link is not None}

    @property
    def succeeded(self) -> set[str]:
        """Operations that did what they are for."""
        return {call.operation for call in self.calls if call.status is not None and call.status < 300}

    def publish(self, version: str) -> None:
        """A version beside the one that ships: there is something to compare, and to roll back to."""
        desk = f"{self._server.url}/v1/rule-set-drafts/of-{version.replace('.', '-')}"
        yaml = {"Content-Type": "application/yaml", **self._key.header}
        told = {"version": version, "reason": "To have two."}
        written = RULE_SET.read_text(encoding="utf-8").replace("notice: Made up", f"notice: Made up for {version}")
        assert httpx.put(desk, content=written.encode(), headers=yaml).status_code == 201
        assert httpx.post(f"{desk}:publish", json=told, headers=self._key.header).status_code == 201

    def play(self, phases: str) -> None:
        """One round; fails where any check of any case does."""
        number = len(self.rss_bytes)
        report = self._folder / f"{number}.ndjson"
        schemathesis = Path(sys.executable).with_name("schemathesis")
        done = subprocess.run(
            [
                *(schemathesis, "--config-file", self._config),
                *("run", f"{self._server.url}/openapi.json", "--header", f"Authorization: Bearer {self._key.text}"),
                *("--phases", phases, "--max-examples", str(EXAMPLES), "--seed", str(SEED + number)),
                *("--continue-on-failure", "--max-response-time", str(ANSWER_MOST_S)),
                *("--request-timeout", str(2 * ANSWER_MOST_S)),
                *("--suppress-health-check", "all", "--generation-database", "none"),
                *("--report", "ndjson", "--report-ndjson-path", report),
            ],
            cwd=self._folder, capture_output=True, text=True, check=False, timeout=ROUND_MOST_S,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(ROOT / "tests" / "system" / "schemathesis_hooks.py")},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
        self.calls += read_calls(report)
        report.unlink()
        self.rss_bytes.append(self._server.rss_bytes())


def test_the_api_is_what_its_description_says_whatever_is_sent(
    start: Starter, sqlite_store_url: str, tmp_path: Path
) -> None:
    key = Keyring(sqlite_store_url).make("score", "rules:read", "rules:write", "rules:publish", "rules:activate")
    server = start(database_url=sqlite_store_url, rate_limit_per_minute="0")
    fuzzer = Fuzzer(server, key, tmp_path)
    document = describe_api()
    links = declared_links(document)
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    began = time.monotonic()

    for version in VERSIONS:
        fuzzer.publish(version)
    fuzzer.play("examples,coverage,fuzzing,stateful")
    # Hypothesis ends a sequence of calls as soon as the same beginning goes on otherwise, as it has to where something
    # is remembered: so there are many short rounds rather than a long one.
    while (is_short := len(fuzzer.calls) < CASES) or len(fuzzer.links & links) < SHARE * len(links):
        assert len(fuzzer.rss_bytes) <= ROUNDS_MOST, sorted(links - fuzzer.links)
        fuzzer.play("fuzzing,stateful" if is_short else "stateful")

    calls = fuzzer.calls
    slowest_s = max(call.took_s for call in calls)
    figures = {
        "cases": len(calls),
        "sent_again_without_a_good_key": sum(call.status in (401, 429) for call in calls),
        "rounds": len(fuzzer.rss_bytes) - 1,
        "seconds": round(time.monotonic() - began),
        "links_followed": len(fuzzer.links & links),
        "links_declared": len(links),
        "links_guessed_and_followed": len(fuzzer.links - links),
        "operations": len(operations),
        "operations_that_succeeded": len(fuzzer.succeeded),
        "not_reached": sorted((links - fuzzer.links) | (operations - fuzzer.succeeded)),
        "overloaded_503": sum(call.status == 503 for call in calls),
        "without_answer": sum(call.status is None for call in calls),
        "slowest_s": round(slowest_s, 2),
        "rss_mb": [round(each / 1e6) for each in fuzzer.rss_bytes],
    }
    print(table_of(calls), json.dumps(figures), sep="\n")  # noqa: T201 - what it measured, for `make fuzz`
    assert operations <= {call.operation for call in calls}
    assert len(fuzzer.succeeded) >= SHARE * len(operations)
    assert figures["without_answer"] == 0
    assert {call.status for call in calls if call.status is not None and call.status >= 500} <= {503}
    assert slowest_s < ANSWER_MOST_S
    assert fuzzer.rss_bytes[1] < WARM_MOST_BYTES
    assert fuzzer.rss_bytes[-1] - fuzzer.rss_bytes[1] < GROWTH_MOST_BYTES
    assert [line for line in server.log_lines() if line["level"] == "error"] == []


def test_a_damaged_stream_of_record_batches_is_refused_or_cut_and_harms_nobody(server: Server) -> None:
    # Here, because it loads the whole tool, and every test process looks into this file.
    from tests.system.schemathesis_hooks import ARROW, damage, real_body

    real = real_body(ARROW)
    ends: Counter[str] = Counter()
    with httpx.Client(base_url=server.url, headers={"Content-Type": ARROW}, timeout=ANSWER_MOST_S) as client:
        for number in range(CASES // 40):
            try:
                ends[str(client.post("/v1/scores:batch", content=damage(real, told=Random(number))).status_code)] += 1
            except httpx.RemoteProtocolError:
                ends["cut"] += 1

    print(json.dumps(ends))  # noqa: T201 - what it measured, for `make fuzz`
    assert set(ends) == {"200", "400", "cut"}
    assert server.score().status_code == 200
    assert [line for line in server.log_lines() if line["level"] == "error"] == []
