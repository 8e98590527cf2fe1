"""`python -m benchmarks.soak`: a service with two workers at 70 % of what it can do, then at three times as much.

Writes `benchmarks/SOAK.md`. The load comes from `hey` (a Debian package), on the same cores: rates are of this machine,
and only their proportions mean something. Everything is on loopback and ends by itself.

    SOAK_S=900      seconds at 70 %
    OVERLOAD_S=30   seconds at three times the saturation
"""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "risky-runner.json"
RESULTS = Path(__file__).parent / "SOAK.md"
SOAK_S = int(os.environ.get("SOAK_S", "900"))
OVERLOAD_S = int(os.environ.get("OVERLOAD_S", "30"))
WORKERS = 2
SHARE = 0.7
WARM_UP_SHARE = 0.2
PATH = "/v1/scores?detail=full"
P99_MOST = 5
SLOPE_MOST = 0.01
ACCEPTED_P99_MOST_S = 0.1
RECOVERED_MOST_S = 5


@dataclass
class Load:
    """What one run of the load tool told: answers by status, and seconds below which that share of them stayed."""

    rate: float
    statuses: dict[int, int]
    p50_s: float
    p99_s: float
    errors: str


@dataclass
class Watch:
    """Memory of the workers over time, in bytes, with the moments."""

    pids: list[int]
    samples: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._stop.wait(1):
            held = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids) * page
            self.samples.append((time.monotonic(), held))

    def slope_share_per_h(self) -> float:
        """How much the memory grew in an hour, as a share of what it was, after the warm-up."""
        kept = self.samples[int(len(self.samples) * WARM_UP_SHARE) :]
        slope, _ = statistics.linear_regression([at for at, _ in kept], [held for _, held in kept])
        return slope * 3_600 / statistics.fmean(held for _, held in kept)


def answered(url: str) -> Counter[int]:
    """How many calls for a score the service has answered so far, by status; those that it turned away are 503."""
    told: Counter[int] = Counter()
    for name, labels, count in re.findall(r"^joint_risk_http_(\w+)_total\{(.*)\} (\S+)$", numbers(url), re.MULTILINE):
        if name == "requests" and 'route="/v1/scores"' in labels:
            told[int(labels.partition('status="')[2][:3])] += int(float(count))
        elif name == "shed" and 'reason="overloaded"' in labels:
            told[503] += int(float(count))
    return told


def numbers(url: str) -> str:
    """What `/metrics` says; asked again where it is shed with the rest."""
    while True:
        answer = httpx.get(f"{url}/metrics")
        if answer.status_code == 200:
            return answer.text
        time.sleep(0.1)


def load(url: str, *, seconds: int, connections: int, rate: float | None = None) -> Load:
    """Runs `hey` for so long, with so many connections, at a rate in all or as fast as it goes."""
    options = ["-z", f"{seconds}s", "-c", str(connections), "-m", "POST", "-T", "application/json", "-D", str(EXAMPLE)]
    if rate is not None:
        options += ["-q", f"{rate / connections:.3f}"]
    before = answered(url)
    done = subprocess.run(["hey", *options, f"{url}{PATH}"], capture_output=True, text=True, check=True)
    told = done.stdout
    # By the service's own count, because the tool keeps a million answers and forgets the rest.
    statuses = dict(answered(url) - before)
    found = {int(share): float(took) for share, took in re.findall(r"(\d+)%+ in ([\d.]+) secs", told)}
    rate_found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    errors = told.partition("Error distribution:")[2].strip()
    return Load(float(rate_found[1]) if rate_found else 0.0, statuses, found.get(50, 0.0), found.get(99, 0.0), errors)


def accepted_in_overload(url: str, *, seconds: int, rate: float, connections: int) -> tuple[Load, list[float]]:
    """The same, while one caller beside the load measures how long those calls take that are accepted."""
    took: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url) as client:
            while not stop.is_set():
                began = time.monotonic()
                answer = client.post(PATH, content=EXAMPLE.read_bytes(), headers={"Content-Type": "application/json"})
                if answer.status_code == 200:
                    took.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    told = load(url, seconds=seconds, connections=connections, rate=rate)
    stop.set()
    asking.join()
    return told, took


def p99(took: list[float]) -> float:
    """The time below which 99 of 100 stayed."""
    return sorted(took)[int(len(took) * 0.99)] if took else float("nan")


def workers_of(pid: int) -> list[int]:
    """The processes that answer calls."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def wait_until_ready(url: str) -> None:
    """Waits for the first answer."""
    for _ in range(300):
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit("The service did not become ready.")


def main() -> None:
    """Measures, prints and writes."""
    if shutil.which("hey") is None:
        sys.exit("hey is not installed; it is a Debian package.")
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "JOINT_RISK_DATABASE_URL": f"sqlite:///{folder}/store.db",
            "JOINT_RISK_DRAIN_S": "0",
            "JOINT_RISK_LOG_LEVEL": "info",
        }
        command = [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--workers", str(WORKERS)]
        with (
            (Path(folder) / "log").open("w") as log,
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as service,
        ):
            try:
                assert service.stdout is not None
                url = service.stdout.readline().split()[-1]
                wait_until_ready(url)
                report = measure(url, service.pid)
            finally:
                service.terminate()
    print(report)
    if SOAK_S < 900:
        return  # a try, and no figure to keep
    RESULTS.write_text(report, encoding="utf-8")


def measure(url: str, pid: int) -> str:
    """The three runs, as a page."""
    load(url, seconds=5, connections=8)
    saturated = load(url, seconds=15, connections=16)
    print(f"saturation {saturated.rate:.0f}/s, p99 {saturated.p99_s * 1000:.1f} ms {saturated.statuses}", flush=True)
    with Watch(workers_of(pid)) as watch:
        soaked = load(url, seconds=SOAK_S, connections=16, rate=saturated.rate * SHARE)
    print(f"soak {soaked}", flush=True)
    with httpx.Client(base_url=url) as client:
        calm_s = statistics.median(one_call_s(client) for _ in range(50))
        overloaded, accepted = accepted_in_overload(url, seconds=OVERLOAD_S, rate=saturated.rate * 3, connections=300)
        began = time.monotonic()
        recovered_s = 0.0
        while statistics.median(one_call_s(client) for _ in range(5)) > 2 * calm_s:
            recovered_s = time.monotonic() - began
            if recovered_s > RECOVERED_MOST_S:
                break
    held = [held for _, held in watch.samples]
    good = set(soaked.statuses) == {200} and not soaked.errors
    kept = {
        "no error": good,
        f"p99 at most {P99_MOST} times p50": soaked.p99_s <= P99_MOST * soaked.p50_s,
        f"memory below {SLOPE_MOST:.0%} an hour": watch.slope_share_per_h() < SLOPE_MOST,
        f"p99 of what is accepted in overload at most {ACCEPTED_P99_MOST_S * 1000:.0f} ms": p99(accepted)
        <= ACCEPTED_P99_MOST_S,
        f"recovered within {RECOVERED_MOST_S} s": recovered_s <= RECOVERED_MOST_S,
    }
    return "\n".join(
        [
            "# Soak",
            "",
            f"Made by `make soak` on Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; "
            f"{WORKERS} workers, the load tool on the same cores. Rates are of this machine; read the proportions.",
            "",
            "| Run | Calls a second | Answers by status | p50 | p99 |",
            "|---|---|---|---|---|",
            row("saturation, 15 s", saturated),
            row(f"{SHARE:.0%} of it, {SOAK_S} s", soaked),
            row(f"three times it, {OVERLOAD_S} s", overloaded),
            "",
            f"- At {SHARE:.0%}: {'no error' if good else 'ERRORS: ' + soaked.errors}; p99 is "
            f"{soaked.p99_s / soaked.p50_s:.1f} times p50; memory of both workers {min(held) / 1e6:.0f} to "
            f"{max(held) / 1e6:.0f} MB, slope {watch.slope_share_per_h():+.2%} an hour after the first "
            f"{WARM_UP_SHARE:.0%}.",
            f"- At three times: {overloaded.statuses.get(503, 0)} calls shed with 503; of {len(accepted)} calls of one "
            f"caller beside the load that were accepted, p50 {statistics.median(accepted) * 1000:.0f} ms, p99 "
            f"{p99(accepted) * 1000:.0f} ms. {overloaded.errors or 'No other error.'}",
            f"- A single call took {calm_s * 1000:.1f} ms before, and twice that at most again "
            f"{recovered_s:.1f} s after the overload ended.",
            "- Bounds: "
            + "; ".join(f"{what}: {'kept' if is_so else '**missed**'}" for what, is_so in kept.items())
            + ".",
            "",
        ]
    )


def one_call_s(client: httpx.Client) -> float:
    """Seconds of one call; one that is not answered with a score has taken for ever."""
    began = time.monotonic()
    answer = client.post(PATH, content=EXAMPLE.read_bytes(), headers={"Content-Type": "application/json"})
    return time.monotonic() - began if answer.status_code == 200 else float("inf")


def row(name: str, told: Load) -> str:
    """One run as a row of the table."""
    statuses = ", ".join(f"{count} × {status}" for status, count in sorted(told.statuses.items()))
    return f"| {name} | {told.rate:.0f} | {statuses} | {told.p50_s * 1000:.1f} ms | {told.p99_s * 1000:.1f} ms |"


if __name__ == "__main__":
    main()
