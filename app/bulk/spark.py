"""The same columns beyond one machine: a Spark data frame in, a Spark data frame out, scored where its rows lie.

    from app.bulk.run import RulesFile
    from app.bulk.spark import score

    scored = score(runners, rules, as_of=date(2026, 11, 23))

Spark hands every task its rows as Arrow batches (`mapInArrow`), and `score_columns` answers them: no row becomes a
Python object, and the answers are those of `joint-risk bulk` and of the API. The rules are settled on the driver, once;
they go along with the job as the bytes that their digest is of, and each Python worker compiles them once.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

import pyarrow as pa

from app.bulk.run import RulesFile
from app.rule_sets.documents import digest_of
from app.scoring.columns import Contributions, answer_schema, score_columns
from app.scoring.compiled import CompiledRuleSet
from app.scoring.findings import WITHDRAWN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def score(
    dataframe: "DataFrame",
    rules: RulesFile,
    *,
    as_of: date | None = None,
    today: date | None = None,
    contributions: Contributions = "left_out",
    keep: Sequence[str] = (),
) -> "DataFrame":
    """Scores every row of a data frame.

    Args:
        dataframe: `id` (optional), `as_of` (optional), and the runners in one of the three forms of `score_columns`.
        rules: settled here, on the driver; every row is scored by this digest.
        as_of: the day of the score of every row that names none; the same for the whole job.
        today: the day in UTC, settled on the driver too; the clock's where it is left out.
        keep: columns of the input to pass through, behind the others.

    Returns:
        One row for each, in the columns of `joint-risk bulk`; a row that cannot be scored is refused in its place.

    Raises:
        KeyError: `keep` names a column that is not there.
        InvalidRuleSetError: this release cannot load the rules.
        ValueError: the rules are not those of their digest.
    """
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructType

    if digest_of(rules.canonical) != rules.digest:
        raise ValueError("The rules are not those of their digest.")
    _compiled(rules)  # what cannot be loaded is said here, and not by a thousand tasks
    schema = StructType(
        [*from_arrow_schema(answer_schema(contributions=contributions)), *(dataframe.schema[name] for name in keep)]
    )
    answer = partial(
        _answer,
        names=dataframe.columns,
        rules=rules,
        as_of=as_of,
        today=today or datetime.now(UTC).date(),
        contributions=contributions,
        keep=tuple(keep),
    )
    # Spark takes the point in `runner.age_years` for a step into a struct, so columns go to the tasks under numbers.
    numbered = dataframe.toDF(*map(str, range(len(dataframe.columns))))
    return numbered.mapInArrow(answer, schema)


def _answer(
    batches: Iterable[pa.RecordBatch],
    *,
    names: list[str],
    rules: RulesFile,
    as_of: date | None,
    today: date,
    contributions: Contributions,
    keep: tuple[str, ...],
) -> Iterator[pa.RecordBatch]:
    """What one task does to its rows."""
    compiled = _compiled(rules)
    for numbered in batches:
        batch = numbered.rename_columns(names)
        scored = score_columns(
            compiled,
            batch,
            as_of=as_of,
            today=today,
            contributions=contributions,
            notes=(WITHDRAWN,) if rules.is_withdrawn else (),
        )
        kept = [batch.column(batch.schema.get_field_index(name)) for name in keep]
        fields = [batch.schema.field(name) for name in keep]
        yield pa.RecordBatch.from_arrays([*scored.columns, *kept], schema=pa.schema([*scored.schema, *fields]))


@cache
def _compiled(rules: RulesFile) -> CompiledRuleSet:
    """Compiled once in the life of a Python worker, which Spark keeps for many tasks."""
    return rules.compile()
