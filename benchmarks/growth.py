"""How the cost grows with the work: sessions a runner, factors, bands, rows; and what the memory does.

An exponent is the slope of log cost on log size by least squares: 0 is independent, 1 linear. A fixed cost bends it
downwards at small sizes, so the slope over the upper half of the sizes is told beside it.
"""

import copy
import json
import math
import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from app.features import Reading
from app.rule_sets.documents import published_document
from app.runners import read_request
from app.scoring.columns import score_columns
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from benchmarks.bulk_full import Run, run_bulk, write_part
from benchmarks.columns import score_parquet
from benchmarks.peers import score_readings
from benchmarks.population import AS_OF, full_bodies

SESSION_COUNTS = (1, 5, 20, 50, 100, 200, 400)
FACTOR_COUNTS = (10, 25, 50, 100, 200)
BAND_COUNTS = (2, 5, 10, 20)
RUNNERS = 200
TODAY = date(2026, 11, 24)
ROWS_MOST = int(os.environ.get("BENCH_ROWS", "1000000"))
_PLAIN = ("sleep_hours", "other_sport_hours_per_week", "shoe_pairs", "strength_sessions_per_week")


class Growth(NamedTuple):
    """CPU microseconds at each size (medians), and the spread, highest to lowest, at each."""

    what: str
    unit: str
    sizes: list[int]
    cost_us: list[float]
    spread: list[float]

    def exponent(self) -> float:
        """Over all sizes."""
        return _slope(self.sizes, self.cost_us)

    def upper_exponent(self) -> float:
        """Over the upper half of the sizes."""
        half = min(len(self.sizes) // 2, len(self.sizes) - 2)
        return _slope(self.sizes[half:], self.cost_us[half:])


def _slope(sizes: list[int], costs: list[float]) -> float:
    return statistics.linear_regression([math.log(size) for size in sizes], [math.log(cost) for cost in costs])[0]


def _grow(what: str, unit: str, works: dict[int, Callable[[], object]], *, rounds: int, per: int) -> Growth:
    spent: dict[int, list[float]] = {size: [] for size in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for size, work in works.items():
            before = time.process_time()
            work()
            spent[size].append((time.process_time() - before) / per * 1e6)
    return Growth(
        what,
        unit,
        list(works),
        [statistics.median(each) for each in spent.values()],
        [max(each) / min(each) for each in spent.values()],
    )


def bodies_with(session_count: int) -> list[bytes]:
    """Runners of whom nearly everything is known, with so many sessions, at most one a day."""
    chance = random.Random(session_count)
    bodies = []
    for body in full_bodies(RUNNERS):
        told = json.loads(body)
        told["training"] = {"observed_from": "2025-09-01", "sessions": []}
        for age in sorted(chance.sample(range(400), session_count), reverse=True):
            metres = chance.randint(4_000, 15_000)
            started_on = (AS_OF - timedelta(days=age)).isoformat()
            session = {"started_on": started_on, "distance_m": metres, "duration_s": round(metres * 0.36)}
            told["training"]["sessions"].append(session)
        bodies.append(json.dumps(told).encode())
    return bodies


def rules_with(*, factor_count: int, band_count: int) -> CompiledRuleSet:
    """The published rule set with so many factors in as many groups, each with edges of its own, and little beside."""
    document: dict[str, Any] = copy.deepcopy(published_document("2026.1"))
    pattern = next(factor for factor in document["factors"] if factor["feature"] == "sleep_hours")
    factors = []
    for number in range(factor_count):
        bands: list[dict[str, Any]] = [{"from": 0, "reference": True, "share": 0.5}]
        for place in range(1, band_count):
            row = {"ratio": 1 + place / 20, "low": 1.01, "high": 3, "register_row": "generated"}
            bands.append({"from": place * 10 / band_count + number / 1000, "share": 0.5 / (band_count - 1), **row})
        at_joint = {"grade": "moderate", "weight": 0.75}
        factor = {**pattern, "id": f"made_{number}", "group": f"made_{number}", "feature": _PLAIN[number % len(_PLAIN)]}
        factors.append(
            {**factor, "worse_when": "higher", "joints": {"knee": at_joint, "lower_back": at_joint}, "bands": bands}
        )
    document |= {"factors": factors, "advice": [], "benefits": [], "examples": []}
    document["flags"] = [flag for flag in document["flags"] if "question" in flag]
    return compile_rule_set(RuleSetDocument.model_validate(document), version="made", digest="sha256:made")


def measure_growth(rules: CompiledRuleSet, folder: Path, *, rounds: int) -> list[Growth]:
    """Every curve."""
    by_sessions = {count: bodies_with(count) for count in SESSION_COUNTS}
    columns = {
        count: pa.Table.from_pylist([json.loads(body) for body in bodies * 5]).combine_chunks().to_batches()[0]
        for count, bodies in by_sessions.items()
    }
    told = [read_request(body, today=TODAY) for body in full_bodies(RUNNERS)]

    def read_and_assess(bodies: list[bytes]) -> None:
        for body in bodies:
            read = read_request(body, today=TODAY)
            assess(rules, read.request, as_of=read.as_of)

    def assess_anew(others: CompiledRuleSet) -> None:
        for each in told:
            others.carried.pop("gradings", None)  # what was graded for another runner in the same bands
            assess(others, each.request, as_of=each.as_of)

    def score_all(others: CompiledRuleSet, readings: list[list[Reading]]) -> None:
        for each in readings:
            score_readings(others, each)

    def readings_on(others: CompiledRuleSet) -> list[list[Reading]]:
        standings = [assess(others, each.request, as_of=each.as_of).standing for each in told]
        return [[standing.reading(ruler.feature) for ruler in others.rulers] for standing in standings]

    factors = {count: rules_with(factor_count=count, band_count=3) for count in FACTOR_COUNTS}
    bands = {count: rules_with(factor_count=25, band_count=count) for count in BAND_COUNTS}
    sizes = [10**power for power in range(3, 8) if 10**power <= ROWS_MOST]
    for size in sizes:
        write_part(folder / f"{size}.parquet", first=0, rows=size)
    return [
        _grow(
            "sessions a runner, read and `assess`",
            "µs a runner",
            {count: partial(read_and_assess, bodies) for count, bodies in by_sessions.items()},
            rounds=rounds,
            per=RUNNERS,
        ),
        _grow(
            "sessions a runner, in columns",
            "µs a runner",
            {count: partial(score_columns, rules, batch, as_of=None, today=TODAY) for count, batch in columns.items()},
            rounds=rounds,
            per=RUNNERS * 5,
        ),
        _grow(
            "factors, each a group of its own, bands, groups, totals",
            "µs a runner",
            {count: partial(score_all, made, readings_on(made)) for count, made in factors.items()},
            rounds=rounds,
            per=RUNNERS,
        ),
        _grow(
            "factors, each a group of its own, `assess` with nobody graded before",
            "µs a runner",
            {count: partial(assess_anew, made) for count, made in factors.items()},
            rounds=rounds,
            per=RUNNERS,
        ),
        _grow(
            "bands of each of 25 factors, bands, groups, totals",
            "µs a runner",
            {count: partial(score_all, made, readings_on(made)) for count, made in bands.items()},
            rounds=rounds,
            per=RUNNERS,
        ),
        _grow(
            "bands of each of 25 factors, `assess` with nobody graded before",
            "µs a runner",
            {count: partial(assess_anew, made) for count, made in bands.items()},
            rounds=rounds,
            per=RUNNERS,
        ),
        _grow(
            "rows, Parquet to Parquet",
            "µs in all",
            {size: partial(score_parquet, rules, folder / f"{size}.parquet", folder / "out.parquet") for size in sizes},
            rounds=min(3, rounds),
            per=1,
        ),
    ]


def measure_memory(folder: Path, *, rows: int) -> tuple[Run, Run]:
    """A bulk run of a tenth of the rows, and of all; two workers, parts of a fortieth."""
    part_rows = rows // 40
    for number in range(40):
        file = folder / "all" / f"{number:02}.parquet"
        write_part(file, first=number * part_rows, rows=part_rows)
        if number < 4:
            (folder / "tenth").mkdir(exist_ok=True)
            (folder / "tenth" / file.name).hardlink_to(file)
    tenth = run_bulk(folder / "tenth", folder / "out-tenth", workers=2)
    return tenth, run_bulk(folder / "all", folder / "out-all", workers=2)
