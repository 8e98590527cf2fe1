"""Scores runners in Arrow columns: a batch in, a batch out, row by row in the same order.

The twin of `engine.py`: the same compiled rule set, worked through feature by feature and table by table for all
runners at once. Neither calls the other; generated tests hold their answers equal. A row that cannot be scored is
refused in its place, with its first fault, and never keeps another from its score.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from app.errors import Fault, InvalidInputError
from app.runners import Finding
from app.runners.columns import read_columns
from app.runners.line_columns import ID_CHARACTERS_MOST
from app.scoring.answer_columns import (
    ANSWER_SCHEMA,
    CONTRIBUTIONS_FIELD,
    AnswerWriter,
    Contributions,
    answer_schema,
)
from app.scoring.compiled import CompiledRuleSet
from app.scoring.contribution_columns import list_contributions
from app.scoring.grading_columns import grade_columns

__all__ = ["ANSWER_SCHEMA", "BLOCK_ROWS", "CONTRIBUTIONS_FIELD", "Contributions", "answer_schema", "score_columns"]

BLOCK_ROWS = 8_192
"""Rows worked through at once: enough to spread the cost of a step, few enough that a step stays near the processor."""


def score_columns(
    rules: CompiledRuleSet,
    batch: pa.RecordBatch,
    *,
    as_of: date | None,
    today: date,
    contributions: Contributions = "left_out",
    notes: Sequence[Finding] = (),
) -> pa.RecordBatch:
    """Scores every row of a batch.

    Args:
        batch: `id` (optional; 1 to 128 characters or null), `as_of` (optional), and the runners in one of three forms:
            `request` as JSON text; `runner` and `training` as structs as on the wire; or dotted columns such as
            `runner.age_years`.
        as_of: the day of the score of every row that names none; None takes the default that a request has.
        today: the day in UTC.
        notes: what every answer by these rules says of them, before what its row shows.

    Returns:
        One row for each, in the same order, with the columns of `answer_schema`. Of a refused row only `id`,
        `rule_set`, `digest` and the three columns on its problem are not null, and no `id` that is at fault itself.

    Raises:
        InvalidInputError: the batch has no column that could hold runners, two of one name, or ids that are no text.
    """
    blocks = [
        _score_block(
            rules,
            batch.slice(start, BLOCK_ROWS),
            as_of=as_of,
            today=today,
            contributions=contributions,
            notes=[note.code for note in notes],
        )
        for start in range(0, max(batch.num_rows, 1), BLOCK_ROWS)
    ]
    if len(blocks) == 1:
        return blocks[0]
    (whole,) = pa.Table.from_batches(blocks).combine_chunks().to_batches()
    return whole


def _score_block(
    rules: CompiledRuleSet,
    batch: pa.RecordBatch,
    *,
    as_of: date | None,
    today: date,
    contributions: Contributions,
    notes: Sequence[str],
) -> pa.RecordBatch:
    ids = _ids(batch)
    told = read_columns(batch, as_of=as_of, today=today)
    faulty = _check_ids(ids)
    if faulty:
        told = told._replace(refused={**told.refused, **faulty})
        ids = pc.if_else(pa.array([row in faulty for row in range(batch.num_rows)]), pa.scalar(None, pa.string()), ids)
    graded = grade_columns(rules, told)
    writer = AnswerWriter(rules, told, graded, notes=notes)
    columns = {"id": ids, **writer.columns()}
    if contributions == "listed":
        columns["contributions"] = list_contributions(rules, graded, assessed=writer.assessed)
    schema = answer_schema(contributions=contributions)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _check_ids(ids: Any) -> dict[int, Fault]:
    """The fault of each id that no row of JSON may have either; null is none."""
    lengths = pc.utf8_length(ids).fill_null(1).to_numpy(zero_copy_only=False)
    short, long = (
        Fault("/id", "too-short", "An id has one character at least."),
        Fault("/id", "too-long", f"An id has {ID_CHARACTERS_MOST} characters at most."),
    )
    odd = ((lengths < 1) | (lengths > ID_CHARACTERS_MOST)).nonzero()[0]
    return {row: long if lengths[row] else short for row in odd.tolist()}


def _ids(batch: pa.RecordBatch) -> Any:
    if "id" not in batch.schema.names:
        return pa.nulls(batch.num_rows, pa.string())
    ids = batch.column(batch.schema.names.index("id"))
    try:
        return ids if ids.type == pa.string() else ids.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        detail = "The column 'id' holds neither text nor anything that can be written as text."
        raise InvalidInputError([Fault("/id", "wrong-type", detail)]) from None
