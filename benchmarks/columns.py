"""`python -m benchmarks.columns`: runners in columns against runners in JSON lines, per runner and core.

Both begin with a file and end with a file: Parquet to Parquet through `score_columns`, and JSON lines to JSON lines
through `read_request`, `assess` and `render` at the size `scores`. CPU seconds of this process are counted, because
other work shares the machine; the rounds alternate (A B A B), and medians are quoted.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.runners import read_request
from app.scoring.assessment import render
from app.scoring.columns import BLOCK_ROWS, answer_schema, score_columns
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from benchmarks.population import full_bodies, sparse_bodies

ROUNDS = 7
RUNNERS = 4 * BLOCK_ROWS
LINES = 4_000
TODAY = date(2026, 11, 24)
KINDS: dict[str, Callable[[int], list[bytes]]] = {
    "nearly everything known": full_bodies,
    "little known": sparse_bodies,
}


def score_lines(rules: CompiledRuleSet, source: Path, target: Path) -> None:
    """JSON lines to JSON lines, one runner a line."""
    with source.open("rb") as lines, target.open("wb") as answers:
        for line in lines:
            read = read_request(line, today=TODAY)
            assessment = assess(rules, read.request, as_of=read.as_of, findings=read.findings)
            answers.write(render(assessment, detail="scores") + b"\n")


def score_parquet(rules: CompiledRuleSet, source: Path, target: Path) -> None:
    """Parquet to Parquet, a block of rows at a time, on one core."""
    pa.set_cpu_count(1)
    with pq.ParquetFile(source) as rows, pq.ParquetWriter(target, answer_schema()) as answers:
        for batch in rows.iter_batches(batch_size=BLOCK_ROWS, use_threads=False):
            answers.write_batch(score_columns(rules, batch, as_of=None, today=TODAY))


def cpu_us(work: Callable[[], None], runners: int) -> float:
    """CPU time of this process for one runner, microseconds."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) / runners * 1e6


def compare(
    rules: CompiledRuleSet, make: Callable[[int], list[bytes]], folder: Path
) -> tuple[list[float], list[float]]:
    """CPU microseconds a runner of every round: in lines, in columns."""
    bodies = make(RUNNERS)
    requests = [json.loads(body) for body in bodies]
    pq.write_table(pa.Table.from_pylist(requests), folder / "in.parquet")
    (folder / "in.jsonl").write_bytes(b"\n".join(bodies[:LINES]))

    def lines() -> None:
        score_lines(rules, folder / "in.jsonl", folder / "out.jsonl")

    def columns() -> None:
        score_parquet(rules, folder / "in.parquet", folder / "out.parquet")

    columns()
    rounds = [(cpu_us(lines, LINES), cpu_us(columns, RUNNERS)) for _ in range(ROUNDS)]
    return [in_lines for in_lines, _ in rounds], [in_columns for _, in_columns in rounds]


def main() -> None:
    """Prints a row for each kind of runner."""
    document = published_document("2026.1")
    rules = compile_rule_set(
        RuleSetDocument.model_validate(document), version="2026.1", digest=digest_of(canonical_bytes(document))
    )
    print(f"{ROUNDS} rounds; CPU microseconds a runner with 20 sessions, median (lowest to highest)")
    for kind, make in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            lines, columns = compare(rules, make, Path(folder))
        told = [f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})" for each in (lines, columns)]
        ratio = statistics.median(lines) / statistics.median(columns)
        print(f"{kind}: JSON lines {told[0]}, Parquet {told[1]}, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
