"""A whole bulk run from Parquet to Parquet, against JSON lines scored one by one, for the same runners on one core.

The command is run twice, over few rows and over many; what the many cost beyond the few is what a runner costs, with
reading, scoring, writing and counting, and without the start of two processes, which is told beside it.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from app.scoring.compiled import CompiledRuleSet
from benchmarks.bulk_full import run_bulk
from benchmarks.columns import LINES, cpu_us, score_lines

FEW, MANY = 10, 60
"""How often the same runners stand in the file."""
GROUP_ROWS = 32_768


class BulkCost(NamedTuple):
    """CPU microseconds a runner in every round, and CPU seconds before the first runner.

    Attributes:
        lines: JSON lines to JSON lines, one by one.
        parquet: the whole command, for each runner more.
        start_s: the whole command, for no runner.
    """

    lines: list[float]
    parquet: list[float]
    start_s: list[float]


def measure_bulk(rules: CompiledRuleSet, make: Callable[[int], list[bytes]], folder: Path, *, rounds: int) -> BulkCost:
    """Both in turn, in a folder of their own below this one."""
    folder = folder / f"bulk-{make.__name__}"
    bodies = make(LINES)
    runners = pa.Table.from_pylist([{"id": str(number), **json.loads(body)} for number, body in enumerate(bodies)])
    for times in (FEW, MANY):
        (folder / str(times)).mkdir(parents=True)
        pq.write_table(
            pa.concat_tables([runners] * times), folder / str(times) / "part.parquet", row_group_size=GROUP_ROWS
        )
    (folder / "in.jsonl").write_bytes(b"\n".join(bodies))
    one_by_one = partial(score_lines, rules, folder / "in.jsonl", folder / "out.jsonl")
    found = BulkCost([], [], [])
    for number in range(rounds):
        found.lines.append(cpu_us(one_by_one, LINES))
        few, many = (
            run_bulk(folder / str(times), folder / f"out-{times}-{number}", workers=1).cpu_s for times in (FEW, MANY)
        )
        a_runner_s = (many - few) / (LINES * (MANY - FEW))
        found.parquet.append(a_runner_s * 1e6)
        found.start_s.append(few - a_runner_s * LINES * FEW)
    return found
