"""A running service as tests meet it: its process, its address, its log."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_MOST_S = 30.0
END_MOST_S = 25.0
REQUEST = (ROOT / "examples" / "risky-runner.json").read_bytes()
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Server:
    """A running service, where it listens, and the file that its log goes to."""

    process: subprocess.Popen[str]
    url: str
    log_file: Path

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    def score(self, **headers: str) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/scores", content=REQUEST, headers={**JSON, **headers})

    def is_ready(self) -> bool:
        """Whether it takes calls; workers take a moment after the address was said."""
        try:
            return httpx.get(f"{self.url}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def log_lines(self) -> list[dict[str, Any]]:
        """What it logged so far, each line read."""
        return [json.loads(line) for line in self.log().splitlines()]

    def rss_bytes(self) -> int:
        """How much memory the process holds now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def end(self) -> int:
        """Sends SIGTERM and returns the exit code; fails where the process outlives the promise."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=END_MOST_S)


def wait_until(is_so: Callable[[], bool], *, most_s: float = START_MOST_S) -> None:
    """Looks again and again until it is so; fails after `most_s`."""
    deadline = time.monotonic() + most_s
    while not is_so():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)


class Starter:
    """Starts services on ports that the system chooses, and ends what is left of them.

    Args:
        folder: where their embedded store and their logs go.

    Attributes:
        environment: what they find in theirs beside their settings.
    """

    def __init__(self, folder: Path) -> None:
        self.environment: dict[str, str] = {}
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *options: str, **settings: str) -> Server:
        """A service that takes calls; `settings` by their names without the prefix, in lower case."""
        log_file = self._folder / f"{len(self._started)}.log"
        store = {"JOINT_RISK_DATABASE_URL": f"sqlite:///{self._folder / 'store.db'}", "JOINT_RISK_DRAIN_S": "0"}
        given = {f"JOINT_RISK_{name.upper()}": told for name, told in settings.items()}
        with log_file.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", "0", *options],
                cwd=ROOT, env={**os.environ, **self.environment, **store, **given},
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self._started.append(process)
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://(127\.0\.0\.1|\[::1\]):\d+", said)
        assert found, f"{said}{log_file.read_text()}"
        return Server(process, found.group(), log_file)

    def end_all(self) -> None:
        """Kills whatever still runs."""
        for process in self._started:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
