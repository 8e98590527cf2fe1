"""The same rules in other engines, as their users would set them up; each must score as ours before it is timed.

Of runners of whom every feature is known. Derived features go in, printed scores of both joints come out; ours is
timed over the same stretch (bands, groups, totals), and then with all that a peer does not do.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import zen

from app.features import Reading
from app.features.columns import ColumnFacts
from app.features.reading_columns import ReadingColumn
from app.runners import read_request
from app.runners.columns import read_columns
from app.scoring.columns import BLOCK_ROWS, score_columns
from app.scoring.compiled import CompiledRuleSet
from app.scoring.engine import assess
from app.scoring.grading_columns import column_rules_of, print_scores
from app.scoring.standing_columns import ColumnStanding
from app.scoring.totals import add_up, print_score
from benchmarks.population import full_bodies
from benchmarks.rules_as_tables import (
    Cell,
    Joint,
    Member,
    choice_column,
    columns_of,
    features_of,
    row_of,
    sql_of,
    tables_of,
    zen_decision,
)  # fmt: skip

NODE = Path(__file__).parent / "node"
INSTALLED = Path(__file__).parent.parent / "build" / "bench-node"
RUNNERS = 2 * BLOCK_ROWS
ONE_BY_ONE = 400
TODAY = date(2026, 11, 24)

Scores = list[tuple[int, ...]]


class UnfairError(Exception):
    """A peer does not score as ours, so that its time says nothing."""


class Peers(NamedTuple):
    """CPU microseconds a runner of every round: one runner a call, and in columns; and what was left out, with why."""

    one_by_one: dict[str, list[float]]
    in_columns: dict[str, list[float]]
    left_out: list[str]


def measure_peers(rules: CompiledRuleSet, *, rounds: int) -> Peers:
    """Times every peer that is there, side by side.

    Raises:
        UnfairError: a peer's scores are not ours.
    """
    bodies = full_bodies(RUNNERS)
    told = [read_request(body, today=TODAY) for body in bodies]
    tables = tables_of(rules)
    features = features_of(tables)
    standings = [assess(rules, each.request, as_of=each.as_of).standing for each in told]
    rows = [row_of(standing, features) for standing in standings]
    ours = [
        tuple(print_score(add_up(each, standing.masks).raw) for each in rules.joints.values()) for standing in standings
    ]

    readings = [[standing.reading(ruler.feature) for ruler in rules.rulers] for standing in standings[:ONE_BY_ONE]]
    decision = zen.ZenEngine().create_decision(json.dumps(zen_decision(tables)))
    _ensure_same("zen-engine", [_zen_score(decision, row) for row in rows[:ONE_BY_ONE]], ours)
    one_by_one = _take_turns(
        {
            "ours: bands, groups, totals": partial(_each, partial(score_readings, rules), readings),
            "ours: the whole `assess`": partial(
                _each, lambda each: assess(rules, each.request, as_of=each.as_of), told[:ONE_BY_ONE]
            ),
            "zen-engine": partial(_each, decision.evaluate, rows[:ONE_BY_ONE]),
        },
        rounds=rounds,
        runners=ONE_BY_ONE,
    )
    left_out = []
    in_node = score_in_node(tables, rows[:ONE_BY_ONE], rounds=rounds)
    if isinstance(in_node, str):
        left_out.append(f"json-rules-engine: {in_node}")
    else:
        _ensure_same("json-rules-engine", in_node[0], ours)
        one_by_one["json-rules-engine"] = in_node[1]
    return Peers(one_by_one, _measure_columns(rules, tables, bodies, rows, ours, rounds=rounds), left_out)


def score_readings(rules: CompiledRuleSet, readings: list[Reading]) -> list[int]:
    """Ours over a peer's stretch: bands from readings, groups and totals; nothing remembered from another runner."""
    masks = [ruler.mask(reading) for ruler, reading in zip(rules.rulers, readings, strict=True)]
    return [print_score(add_up(tables, masks).raw) for tables in rules.joints.values()]


def _zen_score(decision: zen.ZenDecision, row: dict[str, Cell]) -> tuple[int, ...]:
    result = decision.evaluate(row)["result"]
    return (int(result["knee"]), int(result["lower_back"]))


def score_in_node(
    tables: dict[str, Joint], rows: list[dict[str, Cell]], *, rounds: int
) -> tuple[Scores, list[float]] | str:
    """Scores and times of json-rules-engine; or why there are none."""
    node = shutil.which("node")
    if node is None:
        return "node is not installed"
    if not (INSTALLED / "node_modules").is_dir():
        return "its package is not installed (make bench does, with npm)"
    shutil.copy(NODE / "peer.mjs", INSTALLED / "peer.mjs")
    asked = {
        "tables": {
            name: {
                "base": joint.base,
                "groups": [
                    {"extreme": group.extreme, "members": [_spell(member) for member in group.members]}
                    for group in joint.groups
                ],
            }
            for name, joint in tables.items()
        },
        "rows": rows, "rounds": rounds, "count": len(rows),
    }  # fmt: skip
    ended = subprocess.run(
        [node, "peer.mjs"],
        cwd=INSTALLED,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answer = json.loads(ended.stdout)
    return [tuple(scores) for scores in answer["scores"]], answer["us"]


def _spell(member: Member) -> dict[str, Any]:
    return {**member._asdict(), "steps": [step._asdict() for step in member.steps]}


class DerivedStanding(ColumnStanding):
    """Rows whose features are derived already, so that what follows is timed alone."""

    def __init__(self, derived: ColumnStanding, rules: CompiledRuleSet) -> None:
        prepared = column_rules_of(rules)
        super().__init__(derived.facts, prepared.rulers, prepared.conditions)
        self._derived = derived

    def reading(self, feature: str) -> ReadingColumn:
        """As it was derived before."""
        return self._derived.reading(feature)


def _measure_columns(
    rules: CompiledRuleSet,
    tables: dict[str, Joint],
    bodies: list[bytes],
    rows: list[dict[str, Cell]],
    ours: Scores,
    *,
    rounds: int,
) -> dict[str, list[float]]:
    (batch,) = pa.Table.from_pylist([json.loads(body) for body in bodies]).combine_chunks().to_batches()
    prepared = column_rules_of(rules)
    derived = [
        ColumnStanding(
            ColumnFacts(read_columns(batch.slice(start, BLOCK_ROWS), as_of=None, today=TODAY)),
            prepared.rulers,
            prepared.conditions,
        )
        for start in range(0, batch.num_rows, BLOCK_ROWS)
    ]
    features = features_of(tables)
    columns = columns_of(rows, features)
    arrow = pa.table(
        {
            name: pa.array(cells, pa.string() if name.endswith("_choice") else pa.float64())
            for name, cells in columns.items()
        }
    )
    frame = arrow.to_pandas()
    database = duckdb.connect()
    database.sql("SET threads = 1")
    database.register("arriving", arrow)
    database.sql("CREATE TABLE features AS SELECT * FROM arriving")
    query = sql_of(tables, "features")

    def in_columns() -> Scores:
        scored = [score_derived(rules, DerivedStanding(each, rules)) for each in derived]
        return _rows_of([np.concatenate(joint) for joint in zip(*scored, strict=True)])

    def in_sql() -> Any:
        return database.sql(query).to_arrow_table()

    _ensure_same("our columns", in_columns(), ours)
    _ensure_same("DuckDB", _rows_of([column.to_numpy() for column in in_sql().columns]), ours)
    _ensure_same("pandas", _rows_of(score_frame(tables, frame)), ours)
    return _take_turns(
        {
            "ours: bands, groups, totals": lambda: [
                score_derived(rules, DerivedStanding(each, rules)) for each in derived
            ],
            "ours: all of `score_columns`, sessions in": lambda: score_columns(rules, batch, as_of=None, today=TODAY),
            "DuckDB, SQL": in_sql,
            "pandas": lambda: score_frame(tables, frame),
        },
        rounds=rounds,
        runners=len(rows),
    )


def score_derived(rules: CompiledRuleSet, standing: ColumnStanding) -> list[Any]:
    """Printed scores of each joint: our columns over a peer's stretch."""
    scored = []
    for joint, groups in column_rules_of(rules).groups.items():
        raw = np.full(len(standing.nowhere), rules.joints[joint].base, np.int64)
        for group in groups:
            raw += group.points[group.entries(standing)]
        scored.append(print_scores(raw))
    return scored


def score_frame(tables: dict[str, Joint], frame: pd.DataFrame) -> list[Any]:
    """A hand-written pandas pipeline: `np.select` for each factor, the farther of a group, and a sum."""
    scored = []
    for joint in tables.values():
        raw = np.full(len(frame), joint.base, np.int64)
        for group in joint.groups:
            worth = [_select(member, frame) for member in group.members]
            raw += (np.minimum if group.extreme == "min" else np.maximum).reduce(worth)
        scored.append((np.clip(raw, 0, 10_000) + 50) // 100)
    return scored


def _select(member: Member, frame: pd.DataFrame) -> Any:
    conditions: list[Any] = []
    points: list[int] = []
    if member.choices:
        told = frame[choice_column(member.feature)]
        conditions += [told == choice for choice in member.choices]
        points += member.choices.values()
    if member.steps:
        number = frame[member.feature]
        conditions += [number > step.edge if step.exclusive else number >= step.edge for step in member.steps]
        points += [step.points for step in member.steps]
        conditions.append(number.notna())
        points.append(member.lowest)
    return np.select(conditions, points, default=0)


def _rows_of(columns: list[Any]) -> Scores:
    return [tuple(map(int, row)) for row in zip(*columns, strict=True)]


def _ensure_same(peer: str, scores: Scores, ours: Scores) -> None:
    differ = sum(theirs != own for theirs, own in zip(scores, ours, strict=False))
    if differ or not scores:
        raise UnfairError(f"{peer} scores {differ} of {len(scores)} runners differently.")


def _each(do: Callable[[Any], object], items: list[Any]) -> None:
    for item in items:
        do(item)


def _take_turns(parts: dict[str, Callable[[], object]], *, rounds: int, runners: int) -> dict[str, list[float]]:
    spent: dict[str, list[float]] = {name: [] for name in parts}
    for part in parts.values():
        part()
    for _ in range(rounds):
        for name, part in parts.items():
            before = time.process_time()
            part()
            spent[name].append((time.process_time() - before) / runners * 1e6)
    return spent
