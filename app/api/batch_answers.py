"""The results of a batch as the OpenAPI document describes them."""

from pydantic import Field

from app.api.answers import Answer, Score, ScoreCodes, ScoreNumbers
from app.api.rule_set_answers import Problem


class AssessedRow(Answer):
    """A row that was scored."""

    id: str = Field(description="The row's own.")
    assessment: Score | ScoreCodes | ScoreNumbers = Field(
        description="As `POST /v1/scores` gives it, in the size that `detail` asks for."
    )


class RefusedRow(Answer):
    """A row that could not be scored."""

    id: str | None = Field(description="The row's own; null where it has none that can be used.")
    problem: Problem = Field(
        description="Why; its pointers lead into the row's request, or to the row's own `/id`, `/as_of`, `/request`."
    )


class BatchResults(Answer):
    """One result for each row, in the order of the rows."""

    results: list[AssessedRow | RefusedRow]


ANSWERS: tuple[type[Answer], ...] = (BatchResults,)
