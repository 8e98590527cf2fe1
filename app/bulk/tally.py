"""What a run came to, counted: rows, refusals by code, statuses and levels by joint, and who moved between levels."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from app.runners import JOINTS

Counts = dict[str, int]
NO_LEVEL: Final = "none"


class Tally:
    """Counts of a part, or of all parts together.

    Attributes:
        rows: all of them.
        refused: rows by the code of their problem.
        statuses: by joint, assessed rows by status.
        levels: by joint, scored rows by level.
        moves: by joint, rows by `from > to` between the compared rules' level and this one; `none` is no level.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.refused: Counter[str] = Counter()
        self.statuses: dict[str, Counter[str]] = {joint: Counter() for joint in JOINTS}
        self.levels: dict[str, Counter[str]] = {joint: Counter() for joint in JOINTS}
        self.moves: dict[str, Counter[str]] = {joint: Counter() for joint in JOINTS}

    def add(self, answered: pa.RecordBatch, compared: pa.RecordBatch | None) -> None:
        """Counts the rows of a batch; `compared` are the answers to the same rows by the other rules."""
        self.rows += answered.num_rows
        _count(self.refused, answered.column("problem_code"))
        for joint in JOINTS:
            _count(self.statuses[joint], answered.column(f"{joint}_status"))
            _count(self.levels[joint], answered.column(f"{joint}_level"))
            if compared is not None:
                levels = (batch.column(f"{joint}_level").fill_null(NO_LEVEL) for batch in (compared, answered))
                pairs = pa.table(dict(zip(("before", "after"), levels, strict=True)))
                for pair in pairs.group_by(["before", "after"]).aggregate([([], "count_all")]).to_pylist():
                    self.moves[joint][f"{pair['before']} > {pair['after']}"] += pair["count_all"]

    def add_all(self, told: Mapping[str, Any]) -> None:
        """Adds the counts that another tally told."""
        self.rows += told["rows"]
        self.refused.update(told["refused"])
        for joint in JOINTS:
            self.statuses[joint].update(told["statuses"][joint])
            self.levels[joint].update(told["levels"][joint])
            self.moves[joint].update(told["moves"][joint])

    def tell(self) -> dict[str, Any]:
        """The counts as JSON can hold them."""
        return {
            "rows": self.rows,
            "refused": dict(self.refused),
            "statuses": {joint: dict(counts) for joint, counts in self.statuses.items()},
            "levels": {joint: dict(counts) for joint, counts in self.levels.items()},
            "moves": {joint: dict(counts) for joint, counts in self.moves.items()},
        }


def _count(counts: Counter[str], column: "pa.Array[pa.StringScalar]") -> None:
    found = pa.table({"named": column.drop_null()}).group_by("named").aggregate([([], "count_all")])
    for row in found.to_pylist():
        counts[row["named"]] += row["count_all"]
