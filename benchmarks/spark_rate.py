"""`make spark-rate`: what Spark adds to a runner, against `joint-risk bulk` over the same files; for docs/spark.md.

    python -m benchmarks.spark_rate PYTHON_WITH_PYSPARK --rows 2000000

runs the example job on two local cores and the command with two workers, in turn (A B A B), on a tenth of the rows and
on all. CPU seconds are those of every process of either; the start, which does not grow, is taken out by the slope.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from app.rule_sets.documents import canonical_bytes, published_document
from benchmarks.bulk_full import AS_OF, run_bulk, write_part

ROUNDS = 2
PARTS = 40
CORES = 2
LOOK_S = 0.1


class Cost(NamedTuple):
    """What one run took."""

    cpu_s: float
    wall_s: float


def run_spark(python: str, rules: Path, source: Path, out: Path) -> Cost:
    """The example job, as a user would submit it, on local cores."""
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
    }
    submit = [
        str(Path(python).parent / "spark-submit"), "--master", f"local[{CORES}]",
        *(word for name, told in options.items() for word in ("--conf", f"{name}={told}")),
        "examples/spark_job.py", "--rules", str(rules), "--as-of", AS_OF.isoformat(), str(source), str(out),
    ]  # fmt: skip
    environment = {**os.environ, "PYSPARK_PYTHON": python, "PYTHONPATH": ".", "SPARK_LOCAL_IP": "127.0.0.1"}
    begun_s = time.monotonic()
    job = subprocess.Popen(submit, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spent: dict[int, float] = {}
    while job.poll() is None:  # Spark does not wait for its Python workers to end, so nobody is told what they took
        spent |= family_cpu_s(job.pid)
        time.sleep(LOOK_S)
    if job.returncode != 0:
        raise SystemExit(f"The job ended with {job.returncode}.")
    return Cost(sum(spent.values()), time.monotonic() - begun_s)


def family_cpu_s(pid: int) -> dict[int, float]:
    """CPU seconds so far of a process and of all that descend from it, by process."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(file.parent.name)] = int(fields[1])
        spent[int(file.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descends(each: int) -> bool:
        return each == pid or (each in parents and descends(parents[each]))

    return {each: spent[each] for each in parents if descends(each)}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark_rate")
    parser.add_argument("python", help="a Python that has pyspark: make spark makes build/spark/bin/python")
    parser.add_argument("--rows", type=int, default=2_000_000)
    asked = parser.parse_args()
    part_rows = asked.rows // PARTS
    with tempfile.TemporaryDirectory(prefix="joint-risk-spark-") as name:
        folder = Path(name)
        rules = folder / "2026.1.json"
        rules.write_bytes(canonical_bytes(published_document("2026.1")))
        sizes = {"tenth": asked.rows // 10, "all": asked.rows}
        for number in range(PARTS):
            file = folder / "all" / f"{number:02}.parquet"
            write_part(file, first=number * part_rows, rows=part_rows)
            if number < PARTS // 10:
                (folder / "tenth").mkdir(exist_ok=True)
                (folder / "tenth" / file.name).hardlink_to(file)
        found: dict[tuple[str, str], list[Cost]] = {}
        for number in range(ROUNDS):
            for size, rows in sizes.items():
                spark = run_spark(asked.python, rules, folder / size, folder / "spark-scores")
                run = run_bulk(folder / size, folder / f"bulk-{size}-{number}", workers=CORES)
                for who, cost in (("spark", spark), ("bulk", Cost(run.cpu_s, run.seconds))):
                    found.setdefault((who, size), []).append(cost)
                    print(f"{who} {rows:,}: {cost.cpu_s:.1f} CPU s, {cost.wall_s:.1f} s", flush=True)
    tell(found, sizes)


def tell(found: dict[tuple[str, str], list[Cost]], sizes: dict[str, int]) -> None:
    """Prints the slopes, the starts and their ratio."""
    more = sizes["all"] - sizes["tenth"]
    rates = {}
    for who in ("spark", "bulk"):
        few, many = (statistics.median(cost.cpu_s for cost in found[who, size]) for size in sizes)
        rates[who] = more / (many - few)
        start_s = few - sizes["tenth"] / rates[who]
        print(f"{who}: {rates[who]:,.0f} runners a CPU second, and {start_s:.1f} CPU s at the start")
    print(f"overhead of Spark: {rates['bulk'] / rates['spark']:.2f} ×")


if __name__ == "__main__":
    main()
