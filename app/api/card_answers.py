"""The card of a rule set as the OpenAPI document describes it; a test holds real cards to these models."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from app.api.answers import Answer, Digest, JointId
from app.api.comparison_answers import Changes


class SharesSource(Answer):
    """Where the shares of a factor come from."""

    factor: str
    title: str
    shares_from: str = Field(description="assumed, for a declared guess.")


class Population(Answer):
    """Whom the rule set speaks of."""

    shares: list[SharesSource] = Field(description="Of the factors that count.")
    assumed_count: int
    levels: dict[JointId, dict[str, float]] = Field(
        description="How common each level is by the declared shares, of runners of whom all is known."
    )
    base: dict[JointId, float] = Field(description="Score with every factor in its reference band.")


class PointSpan(Answer):
    """The least and the most that a factor is worth."""

    lowest: float
    highest: float


class CitedSource(Answer):
    """A source by its id."""

    id: str
    citation: str


class GradedFactor(Answer):
    """A factor as it acts on one joint."""

    factor: str
    title: str
    weight: float
    contested: bool
    points: PointSpan
    measure: str
    outcome: str
    sources: list[CitedSource]


class FactorLimits(Answer):
    """What a factor cannot say."""

    factor: str
    title: str
    contested: bool
    limits: str


class KnownLimits(Answer):
    """What the rule set cannot say."""

    general: list[str]
    factors: list[FactorLimits]


class Difference(Answer):
    """What it says otherwise than the version below it."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: Annotated[str, Field(alias="from")]
    digest: Digest
    changes: Changes


class CardFinding(Answer):
    """What a check of this release finds."""

    severity: str
    code: str
    path: str
    message: str


class CheckResults(Answer):
    """What the checks of this release find."""

    ok: bool
    findings: list[CardFinding]


class Card(Answer):
    """What a rule set is for, what it rests on, and what it cannot do."""

    version: str
    digest: Digest
    published_at: datetime
    published_by: str
    reason: str
    intended_use: list[str]
    not_for: list[str]
    notice: str = Field(description="What every runner reads with a score.")
    population: Population
    evidence: dict[JointId, dict[str, list[GradedFactor]]] = Field(
        description="By grade, the best first; `none` weighs nothing."
    )
    known_limits: KnownLimits
    difference: Difference | None = Field(description="Null for the lowest version.")
    checks: CheckResults
    counts: dict[str, int]


ANSWERS: tuple[type[Answer], ...] = (Card,)
