"""`make bulk-full`: a bulk run at full size. Flat memory, and two kills that nobody can tell from the result.

    python -m benchmarks.bulk_full --rows 10000000 --folder DIR

makes runners with 20 sessions each, scores a tenth of them and then all, compares the peaks of memory, kills a third
run twice in the middle, and compares its files byte for byte. It ends with 1 where a promise is not kept.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

AS_OF = date(2026, 11, 23)
SESSIONS = 20
PART_ROWS = 250_000
CHUNK_ROWS = 50_000
LOOK_S = 0.05
GROWTH_MOST = 1.10
_EPOCH = date(1970, 1, 1)


def write_part(file: Path, *, first: int, rows: int) -> None:
    """Writes a part of seeded runners: most is known of most, some rows are refused, some runners suspended."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(file, _chunk(0, 1).schema, compression="zstd") as writer:
        for begin in range(first, first + rows, CHUNK_ROWS):
            writer.write_batch(_chunk(begin, min(CHUNK_ROWS, first + rows - begin)))


def _chunk(first: int, rows: int) -> pa.RecordBatch:
    chance = np.random.default_rng(first)

    def one_of(*choices: Any) -> Any:
        return pa.array(choices).take(pa.array(chance.integers(0, len(choices), rows)))

    days = (AS_OF - _EPOCH).days - np.sort(chance.integers(0, 60, (rows, SESSIONS)))[:, ::-1].ravel()
    usual_m = np.repeat(chance.uniform(5_000, 12_000, rows), SESSIONS)
    metres = np.round(usual_m * chance.uniform(0.6, 1.5, rows * SESSIONS))
    sessions = pa.StructArray.from_arrays(
        [
            pa.array(days.astype("int32")).cast(pa.date32()),
            pa.array(metres),
            pa.array(np.round(metres * chance.uniform(0.3, 0.42, rows * SESSIONS))),
        ],
        names=["started_on", "distance_m", "duration_s"],
    )
    columns: dict[str, Any] = {
        "id": pa.array(np.arange(first, first + rows)).cast(pa.string()),
        "runner.age_years": pa.array(chance.integers(18, 75, rows)),
        "runner.sex": one_of("female", "male"),
        "runner.height_m": pa.array(np.round(chance.uniform(1.55, 1.95, rows), 2)),
        "runner.mass_kg": pa.array(np.round(chance.uniform(50, 100, rows), 1)),
        "runner.running_years": one_of(0.5, 1.0, 2.0, 3.0, 5.0, 10.0, None),
        "runner.knee.history": one_of("never", "never", "recovered", None),
        "runner.knee.pain_now": one_of(0, 0, 0, 0, 0, 0, 2, 11),
        "runner.lower_back.history": one_of("never", "never", "recovered", None),
        "runner.core_strength": one_of("weak", "average", "strong", None),
        "runner.posture": one_of("poor", "fair", "good", None),
        "runner.shoes.cushioning": one_of("soft", "medium", "firm", None),
        "training.sessions": pa.ListArray.from_arrays(
            pa.array(np.arange(rows + 1, dtype="int32") * SESSIONS), sessions
        ),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


class Run(NamedTuple):
    """What a run took."""

    seconds: float
    cpu_s: float
    peak_bytes: int


def run_bulk(source: Path, out: Path, *, workers: int, until: Callable[[], bool] | None = None) -> Run:
    """Runs the command; with `until`, kills it as soon as that is so."""
    command = [sys.executable, "-m", "app.cli", "bulk", str(source), str(out), "--as-of", AS_OF.isoformat()]
    store = {"JOINT_RISK_DATABASE_URL": f"sqlite:///{out.parent / 'store.db'}"}
    before = os.times()
    begun_s = time.monotonic()
    peak_bytes = 0
    process = subprocess.Popen(
        [*command, "--workers", str(workers)], env={**os.environ, **store}, stdout=subprocess.DEVNULL
    )
    while process.poll() is None:
        peak_bytes = max(peak_bytes, sum(_rss_bytes(pid) for pid in _family(process.pid)))
        if until is not None and until():
            process.send_signal(signal.SIGKILL)
        time.sleep(LOOK_S)
    after = os.times()
    if until is None and process.returncode != 0:
        sys.exit(f"The run ended with {process.returncode}.")
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(time.monotonic() - begun_s, cpu_s, peak_bytes)


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in _family(int(child)))]


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def digests(out: Path) -> dict[str, str]:
    """Every file of a run by its digest."""
    found = {}
    for file in sorted(out.rglob("*")):
        if file.is_file():
            with file.open("rb") as opened:
                found[str(file.relative_to(out))] = hashlib.file_digest(opened, "sha256").hexdigest()
    return found


def main(arguments: list[str]) -> int:
    """Runs, prints and says by its exit code whether all promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk_full")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, default=None, help="a few gigabytes; else one that is taken away again")
    asked = parser.parse_args(arguments)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="joint-risk-bulk-"))
    part_rows = min(PART_ROWS, max(1, asked.rows // 40))
    many = folder / "in"
    few = folder / "in-tenth"
    for number, first in enumerate(range(0, asked.rows, part_rows)):
        file = many / f"bucket={number % 4}" / f"{number:04}.parquet"
        write_part(file, first=first, rows=min(part_rows, asked.rows - first))
        if first < asked.rows // 10:
            (few / file.parent.name).mkdir(parents=True, exist_ok=True)
            (few / file.parent.name / file.name).hardlink_to(file)
    parts = len(list(many.rglob("*.parquet")))
    print(f"{asked.rows:,} rows with {SESSIONS} sessions in {parts} parts, {asked.workers} workers", flush=True)

    tenth = run_bulk(few, folder / "out-tenth", workers=asked.workers)
    _tell("a tenth", tenth, asked.rows // 10)
    whole = run_bulk(many, folder / "out", workers=asked.workers)
    _tell("all", whole, asked.rows)
    growth = whole.peak_bytes / tenth.peak_bytes
    print(f"peak of memory, all against a tenth: {growth:.3f} (at most {GROWTH_MOST})", flush=True)

    killed = folder / "out-killed"
    for share in (0.3, 0.6):
        run_bulk(many, killed, workers=asked.workers, until=partial(_has_done, killed, share * parts))
        print(f"killed with {_done(killed)} of {parts} parts done", flush=True)
    _tell("the rest", run_bulk(many, killed, workers=asked.workers), asked.rows)
    is_same = digests(killed) == digests(folder / "out")
    print(f"killed twice: {'byte for byte the same' if is_same else 'NOT THE SAME'}", flush=True)
    if asked.folder is None:
        shutil.rmtree(folder)
    return 0 if is_same and growth <= GROWTH_MOST else 1


def _done(out: Path) -> int:
    return len(list(out.rglob("[0-9]*.parquet")))


def _has_done(out: Path, parts: float) -> bool:
    return _done(out) >= parts


def _tell(name: str, run: Run, rows: int) -> None:
    print(
        f"{name}: {run.seconds:.1f} s, {run.cpu_s:.1f} CPU s, {rows / run.cpu_s:,.0f} rows a CPU second, "
        f"peak {run.peak_bytes / 1e6:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
