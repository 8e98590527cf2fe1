"""The API tried from its own description, by somebody who knows nothing else of it.

FUZZ_EXAMPLES says how many for each operation and phase; `make fuzz` asks for many more than `make test`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.api.keyring import Keyring
from tests.system.running import ROOT, Starter

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
SECONDS_MOST = 3_000
GROWTH_MOST_BYTES = 150_000_000


def test_the_api_is_what_its_description_says_whatever_is_sent(
    start: Starter, sqlite_store_url: str, tmp_path: Path
) -> None:
    key = Keyring(sqlite_store_url).make("score", "rules:read", "rules:write", "rules:publish", "rules:activate")
    server = start(database_url=sqlite_store_url, rate_limit_per_minute="0")
    before_bytes = server.rss_bytes()
    schemathesis = Path(sys.executable).with_name("schemathesis")

    done = subprocess.run(
        [
            *(schemathesis, "--config-file", ROOT / "tests" / "system" / "schemathesis.toml"),
            *("run", f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {key.text}"),
            *("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(EXAMPLES)),
            *("--seed", "2026", "--continue-on-failure", "--max-response-time", "30"),
            # A cohort comes as JSON lines alone, which the tool cannot write; the tests of comparisons send them.
            *("--exclude-operation-id", "compare_rule_sets_over_cohort"),
            *("--suppress-health-check", "all", "--generation-database", "none"),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=SECONDS_MOST,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    cases = re.search(r"^\s+(\d+) generated", done.stdout, re.MULTILINE)
    assert cases is not None
    assert int(cases[1]) > 500
    assert re.search(r"✅\s+Stateful", done.stdout), "what was saved, published and activated is gone on with"
    assert server.rss_bytes() - before_bytes < GROWTH_MOST_BYTES
    assert [line for line in server.log_lines() if line["level"] == "error"] == []
    print(json.dumps({"cases": int(cases[1]), "grown_bytes": server.rss_bytes() - before_bytes}))  # noqa: T201 - what it measured, for `make fuzz`
