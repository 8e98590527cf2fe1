"""The page of results: every row of the goals, what was measured, and the profile where a goal is missed."""

import os
import platform
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.bulk_full import Run
from benchmarks.bulk_lines import BulkCost
from benchmarks.growth import Growth
from benchmarks.peers import Peers
from benchmarks.service import ColdStart

OURS = "ours: bands, groups, totals"
ASSESS = "ours: the whole `assess`"


class Measured(NamedTuple):
    """All that one run of the benchmarks found."""

    heart: list[str]
    requests: list[str]
    peers: Peers
    cold: ColdStart
    batch: dict[str, tuple[list[float], list[float]]]
    columns: dict[str, tuple[list[float], list[float]]]
    bulk: dict[str, BulkCost]
    growth: list[Growth]
    memory: tuple[Run, Run]
    profiles: dict[str, list[str]]


def _told(spent: list[float]) -> str:
    return f"{statistics.median(spent):.3g} ({min(spent):.3g} to {max(spent):.3g})"


def _ratio(over: list[float], under: list[float]) -> float:
    return statistics.median(over) / statistics.median(under)


def _span(ratios: Iterable[float]) -> str:
    told = sorted(ratios)
    return f"{told[0]:.2f} to {told[-1]:.2f}"


def machine() -> str:
    """What it ran on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{os.cpu_count()} cores of {model} ({platform.machine()}), {memory_gb:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[2]:.1f} from other work"
    )


def _goals(told: Measured) -> list[str]:
    one, cold = told.peers.one_by_one, told.cold
    by_what = {growth.what: growth for growth in told.growth}
    factors = by_what["factors, each a group of its own, bands, groups, totals"]
    bands = by_what["bands of each of 25 factors, bands, groups, totals"]
    tenth, whole = told.memory
    floor = [float(row.split("**")[1]) for row in told.requests]
    rows = [
        ("`POST /v1/scores` against the floor", "0.80, at least 0.70", _span(floor), min(floor) >= 0.7),
        *(
            (name, f"≥ {goal} ×", f"{ratio:.1f} ×", ratio >= goal)
            for name, goal, ratio in (
                ("bands, groups, totals against zen-engine", 20, _ratio(one["zen-engine"], one[OURS])),
                ("the whole `assess` against zen-engine", 8, _ratio(one["zen-engine"], one[ASSESS])),
            )
        ),
        *(
            (f"a line of a batch against a call, {kind}", "≥ 5 ×", f"{_ratio(*pair):.1f} ×", _ratio(*pair) >= 5)
            for kind, pair in told.batch.items()
        ),
        *(
            (f"{what}, {kind}", "≥ 20 ×", f"{ratio:.1f} ×", ratio >= 20)
            for what, ratios in (
                ("Parquet against JSON lines one by one, evaluators alone", _ratios_of(told.columns)),
                ("a whole bulk run of Parquet against JSON lines one by one", _bulk_ratios(told)),
                ("a whole bulk run of Parquet against lines of a batch, scored together", _bulk_ratios_together(told)),
            )
            for kind, ratio in ratios.items()
        ),
        (
            "peak memory of a bulk run, ten times the rows",
            "≤ 1.10 ×",
            f"{whole.peak_bytes / tenth.peak_bytes:.2f} ×",
            whole.peak_bytes <= 1.1 * tenth.peak_bytes,
        ),
        ("growth with groups", "linear: ≤ 1", f"{factors.upper_exponent():.2f}", factors.upper_exponent() <= 1.05),
        ("growth with bands", "none: 0", f"{bands.exponent():.2f}", abs(bands.exponent()) <= 0.1),
        (
            "cold start to first score against a bare app, CPU",
            "≤ 2 ×",
            f"{_ratio(cold.cpu_s['ours'], cold.cpu_s['bare']):.1f} ×",
            _ratio(cold.cpu_s["ours"], cold.cpu_s["bare"]) <= 2,
        ),
    ]
    return [f"| {what} | {goal} | {found} | {'met' if met else '**missed**'} |" for what, goal, found, met in rows]


def _ratios_of(pairs: dict[str, tuple[list[float], list[float]]]) -> dict[str, float]:
    return {kind: _ratio(*pair) for kind, pair in pairs.items()}


def _bulk_ratios(told: Measured) -> dict[str, float]:
    return {kind: _ratio(cost.lines, cost.parquet) for kind, cost in told.bulk.items()}


def _bulk_ratios_together(told: Measured) -> dict[str, float]:
    return {kind: _ratio(told.batch[kind][1], cost.parquet) for kind, cost in told.bulk.items()}


def _turns(spent: dict[str, list[float]], reference: str) -> list[str]:
    return [f"| {name} | {_told(each)} | {_ratio(each, spent[reference]):.2f} |" for name, each in spent.items()]


def _curve(growth: Growth) -> str:
    points = ", ".join(f"{size:,}: {cost:,.3g}" for size, cost in zip(growth.sizes, growth.cost_us, strict=True))
    return (
        f"| {growth.what} | {growth.exponent():.2f} | {growth.upper_exponent():.2f} | {points} ({growth.unit}) "
        f"| {max(growth.spread):.2f} |"
    )


def write_results(told: Measured, *, rounds: int, requests: int, took_s: float) -> str:
    """The page."""
    tenth, whole = told.memory
    missed = any("**missed**" in row for row in _goals(told))
    parts = [
        "# Results",
        f"Made by `make bench` in {took_s / 60:.1f} minutes on {machine()}. CPU time of the process at work, "
        f"because other work shares the cores; what is compared takes turns (A B A B), {rounds} rounds; medians, with "
        "the lowest and the highest. Absolute times are of one shared machine and prove nothing; the ratios are what "
        "to read.",
        "## The goals",
        "| What | Goal | Measured | |\n|---|---|---|---|\n" + "\n".join(_goals(told)),
        "## The whole request against the floor",
        f"CPU microseconds of the server process for one request, {requests} requests a round, one worker. *Declared*: "
        "the same app, the request model as FastAPI's parameter, prebuilt bytes of the same size. *Bare*: the same "
        "app, the body parsed once by pydantic-core as the real route does, prebuilt bytes. Their routes are found as "
        "early as the real one. The ratios are throughput against the floor for the same CPU time.",
        "| Runners | Detail | kB | ours | declared | bare | against declared | against bare | spread |\n"
        "|---|---|---|---|---|---|---|---|---|\n" + "\n".join(told.requests),
        "## The heart",
        "Microseconds for one runner and, in brackets, against parsing the body. *Read* is parsing and every check; "
        "*assess* is features, bands, points, advice, ranges and the next question; *render* is the full answer.",
        "| Runners | parse | read | assess | render |\n|---|---|---|---|---|\n" + "\n".join(told.heart),
        "## Peers, one runner a call",
        "The rule set 2026.1 in other engines: derived features in, printed scores out. Every peer first gave the same "
        "scores as ours on the same runners, or nothing is written here. CPU microseconds a runner. zen-engine: a "
        "decision table for each feature and one expression node, loaded once, dicts in. json-rules-engine: a rule for "
        "each band that is worth points, on Node. The whole `assess` also derives the features, and gives ranges, "
        "levels, advice and the next question, which no peer does. Runners are known in full, because no peer has a "
        "word for what is unknown.",
        "| | µs a runner | against ours |\n|---|---|---|\n" + "\n".join(_turns(told.peers.one_by_one, OURS)),
        *(f"Left out: {reason}." for reason in told.peers.left_out),
        "## Peers, in columns",
        "The same over a table of derived features in memory, one thread; `score_columns` begins with 20 sessions a "
        "runner and ends with every column of the answer.",
        "| | µs a runner | against ours |\n|---|---|---|\n" + "\n".join(_turns(told.peers.in_columns, OURS)),
        "## One runner in a batch",
        "CPU microseconds of the server for a runner, `detail=scores`: a call each, and a line each of one batch.",
        "| Runners | a call | a line | ratio |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {kind} | {_told(a)} | {_told(b)} | {_ratio(a, b):.1f} |" for kind, (a, b) in told.batch.items()
        ),
        "## Columns against lines",
        "File to file, 20 sessions a runner, one core; CPU microseconds a runner.",
        "| Runners | JSON lines | Parquet | ratio |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {kind} | {_told(a)} | {_told(b)} | {_ratio(a, b):.1f} |" for kind, (a, b) in told.columns.items()
        ),
        "## A whole bulk run",
        "`joint-risk bulk`, Parquet to Parquet, one worker, 20 sessions a runner, nobody refused: CPU microseconds for "
        "each runner more, and CPU seconds for the start. *One by one*: JSON lines to JSON lines by the reference. "
        "*Together*: a line of the batch above, over HTTP. Since lines are scored in columns too, Parquet saves the "
        "parsing and little else: a line at a fifth of a call and Parquet at a twentieth of a line would be a "
        "hundredth of a call.",
        "| Runners | a line, one by one | a line, together | Parquet | start, s | ratios |\n|---|---|---|---|---|---|\n"
        + "\n".join(
            f"| {kind} | {_told(cost.lines)} | {_told(told.batch[kind][1])} | {_told(cost.parquet)} "
            f"| {_told(cost.start_s)} | {_bulk_ratios(told)[kind]:.1f}, {_bulk_ratios_together(told)[kind]:.1f} |"
            for kind, cost in told.bulk.items()
        ),
        "## As the work grows",
        "Slope of log cost on log size: over all sizes, and over the upper half, where fixed costs weigh least.",
        "| What grows | exponent | upper half | medians | widest spread |\n|---|---|---|---|---|\n"
        + "\n".join(map(_curve, told.growth)),
        "## Memory of a bulk run",
        f"Here, two workers on parts of {4_000:,} to {5_000:,} rows: a tenth held {tenth.peak_bytes / 1e6:.0f} MB at "
        f"most, all {whole.peak_bytes / 1e6:.0f} MB. At this size the tenth ends before a worker's memory has filled, "
        "so the ratio says little; `make bulk-full` is the measurement: 658 MB for a million rows and 657 MB for ten "
        "([bulk runs](../docs/bulk.md)).",
        "## Cold start",
        "From the start of the process to the first score, SQLite, page cache warm, compiled before as in the image.",
        "| | CPU seconds | seconds on the wall |\n|---|---|---|\n"
        + "\n".join(
            f"| {name} | {_told(told.cold.cpu_s[name])} | {_told(told.cold.wall_s[name])} |" for name in told.cold.cpu_s
        ),
        *([_missed(told)] if missed else []),
    ]
    return "\n\n".join(parts) + "\n"


def _missed(told: Measured) -> str:
    tables = [
        f"{what} (share of the time in the function itself, under cProfile):\n\n| Function | Share |\n|---|---|\n"
        + "\n".join(rows)
        for what, rows in told.profiles.items()
    ]
    tried = (
        "What was tried for the whole request and for `assess`, with what it gained: "
        "[0039](../docs/decisions/0039-a-call-pays-for-what-it-uses.md)."
    )
    return "\n\n".join(["## Where the time goes, for the goals that are missed", tried, *tables])
