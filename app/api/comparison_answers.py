"""A comparison and a test pack as the OpenAPI document describes them; a test holds real answers to these models."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from app.api.answers import Answer, Digest, JointId, RuleSetName


class ComparedBand(Answer):
    """One band of a factor."""

    band: str
    reference: bool
    points: float = Field(description="Points of the band alone; 0 where the factor weighs nothing.")
    share: float = Field(description="Share of the reference population in it.")


class FactorAtJoint(Answer):
    """A factor as it acts on one joint under one rule set."""

    evidence: str | None
    weight: float
    group: str
    feature: str
    bands: list[ComparedBand]


class FactorBeforeAndAfter(Answer):
    """A factor at one joint under both; null where it does not act."""

    before: FactorAtJoint | None
    after: FactorAtJoint | None


class ComparedFactor(Answer):
    """A factor that only one of the two has."""

    id: str
    title: str
    joints: dict[JointId, FactorBeforeAndAfter]


class ChangedFactor(ComparedFactor):
    """A factor that both have, and that is not the same."""

    members: list[str] = Field(description="Members of the document that differ.")


class FactorChanges(Answer):
    """Factor by factor."""

    added: list[ComparedFactor]
    removed: list[ComparedFactor]
    changed: list[ChangedFactor]
    unchanged_count: int


class ChangedEntry(Answer):
    """An entry of a catalogue that both have, and that is not the same."""

    id: str
    members: list[str]


class CatalogueChanges(Answer):
    """Entries by id."""

    added: list[str]
    removed: list[str]
    changed: list[ChangedEntry]


class SourceChanges(Answer):
    """Sources by id."""

    added: list[str]
    removed: list[str]
    changed: list[str]


class Cut(Answer):
    """Where a level begins."""

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    from_: Annotated[int, Field(alias="from")]


class LevelCuts(Answer):
    """The levels of one rule set."""

    cuts: list[Cut]
    known_share_floor: float


class LevelChanges(Answer):
    """The levels of both."""

    changed: bool
    before: LevelCuts
    after: LevelCuts


class PointsBeforeAndAfter(Answer):
    """A number of points under both."""

    before: float
    after: float


class Changes(Answer):
    """Everything that the second rule set says otherwise than the first."""

    factors: FactorChanges
    advice: CatalogueChanges
    flags: CatalogueChanges
    benefits: CatalogueChanges
    levels: LevelChanges
    base: dict[JointId, PointsBeforeAndAfter]
    texts: list[str] = Field(description="Members of `texts` that differ.")
    rates: list[str] = Field(description="Members of `rates` that differ.")
    sources: SourceChanges
    examples_changed: bool


class MoveCause(Answer):
    """What moves are put down to."""

    kind: str = Field(description="factor, levels (the cut points), flag, or known_share.")
    id: str | None = Field(description="Of the factor or the flag.")
    up_count: int
    down_count: int
    status_count: int = Field(description="Changes to or from not_assessed or suspended.")
    renamed_count: int = Field(description="Levels of other ids that begin at the same score.")


class JointMoves(Answer):
    """Who changes level at one joint."""

    moves: dict[str, dict[str, int]] = Field(
        description="Runners by level before (or not_assessed, suspended), and among those by level after."
    )
    up_count: int
    down_count: int
    status_count: int
    renamed_count: int
    up_share: float = Field(description="Of all compared.")
    down_share: float = Field(description="Of all compared.")
    scored_count: int = Field(description="Runners with a score under both.")
    score_changed_share: float = Field(description="Of those, how many have another printed score.")
    mean_points: float | None = Field(description="Of those, the mean change of the score.")
    moved_by: list[MoveCause] = Field(description="Most moves first.")


class MoverReason(Answer):
    """What one factor adds to the difference of a runner's scores, before clipping."""

    factor: str
    points: float


class ScoreBeforeAndAfter(Answer):
    """A printed score under both."""

    before: int
    after: int


class LevelBeforeAndAfter(Answer):
    """A level under both."""

    before: str
    after: str


class LargestMover(Answer):
    """One of the five whose score moves most."""

    row: int = Field(description="Line of the cohort, or number in the reference population; from 1.")
    joint: JointId
    points: float
    score: ScoreBeforeAndAfter | None = Field(description="Null for a cohort.")
    level: LevelBeforeAndAfter | None = Field(description="Null for a cohort.")
    because: list[MoverReason] = Field(description="Largest first.")
    request: dict[str, JsonValue] | None = Field(description="Null for a cohort.")


class PopulationName(Answer):
    """Which reference population."""

    id: str
    reference_count: int
    edge_count: int


class PeopleMoves(Answer):
    """Who changes level."""

    of: str = Field(description="reference or cohort.")
    population: PopulationName | None = Field(description="Null for a cohort.")
    rows: int
    compared: int
    refused: int = Field(description="Rows that one of the two, or both, cannot score.")
    faults: dict[str, int] = Field(description="Refused rows by code of fault.")
    joints: dict[JointId, JointMoves]
    largest_movers: list[LargestMover]


class Comparison(Answer):
    """Two rule sets side by side."""

    before: RuleSetName
    after: RuleSetName
    changes: Changes
    people: PeopleMoves


class Shown(Answer):
    """What a factor shows of a runner; both null where it is unknown."""

    number: float | None
    choice: str | None


class PackedCase(Answer):
    """A runner, and the whole answer that the rules give."""

    id: str = Field(description="boundary, pairwise or random, and which.")
    min_evidence: str | None = Field(description="To be sent in the address.")
    request: dict[str, JsonValue]
    expected: dict[str, JsonValue] = Field(description="The `codes` answer without its receipt.")
    readings: dict[JointId, dict[str, Shown]] = Field(description="Number or choice of each factor, as `full` has it.")
    answer_digest: Digest = Field(description="What its receipt would say.")


class TestpackHead(Answer):
    """Of which rules a test pack is."""

    form: str
    version: str
    digest: Digest
    as_of: date
    case_count: int


class Testpack(TestpackHead):
    """Cases by which a port or another deployment proves that it scores alike."""

    cases: list[PackedCase]


ANSWERS: tuple[type[Answer], ...] = (Comparison, Testpack, TestpackHead)
