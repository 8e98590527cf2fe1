"""A rule-set document says everything that makes a score, and nothing about where it is stored.

The models here give the document its shape: what a factor, a band, a flag, an advice and a benefit are, with the
refusals that can be decided from one document alone. Meaning (tables of points) is made in `compiled.py`.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.runners import JointId

Grade = Literal["high", "moderate", "low", "very_low"]
GRADE_CEILING: dict[Grade | None, Decimal] = {
    "high": Decimal(1),
    "moderate": Decimal("0.75"),
    "low": Decimal("0.5"),
    "very_low": Decimal("0.25"),
    None: Decimal(0),
}
GRADE_RANK: dict[Grade | None, int] = {None: 0, "very_low": 1, "low": 2, "moderate": 3, "high": 4}
Interval = Literal["printed", "derived", "assumed"]
Urgency = Literal["emergency", "prompt", "routine"]
Category = Literal["footwear", "progression", "strength", "warm_up", "form", "recovery", "professional"]
FactorId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
SourceId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,63}$")]


def _decimal_as_written(given: object) -> object:
    """Floats become the decimal that their shortest form spells, so 1.1 is eleven tenths and nothing else."""
    return Decimal(repr(given)) if isinstance(given, float) else given


def _text_by_language(given: object) -> object:
    return {"en": given} if isinstance(given, str) else given


Number = Annotated[Decimal, BeforeValidator(_decimal_as_written), Field(allow_inf_nan=False)]
Text = Annotated[
    dict[str, Annotated[str, Field(min_length=1)]], BeforeValidator(_text_by_language), Field(min_length=1)
]


def _as_list(given: object) -> object:
    return given if isinstance(given, list) else [given]


Choices = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]


class Part(BaseModel):
    """Every part of a document: immutable, and closed to members it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Conversion(Part):
    """What the paper printed, where a published odds ratio was converted; both are shown."""

    measure: str
    estimate: Number = Field(gt=0)
    low: Number | None = Field(default=None, gt=0)
    high: Number | None = Field(default=None, gt=0)
    baseline_share: Number | None = Field(
        default=None, gt=0, lt=1, description="Share with the outcome (p0) used for the conversion."
    )


class Effect(Part):
    """One published ratio with its 95 % interval, tied to its row in the evidence register."""

    ratio: Number = Field(gt=0, le=1000)
    low: Number = Field(gt=0)
    high: Number = Field(gt=0, le=1_000_000)
    interval: Interval = "printed"
    register_row: str = Field(description="Id of the row of the evidence register that this number stands in.")
    measure: str | None = Field(default=None, description="Where it differs from the factor's: HR, HRR, RR, OR, SHR …")
    outcome: str | None = None
    converted_from: Conversion | None = None
    weights: dict[JointId, Number] = Field(default_factory=dict)
    power: int = Field(default=1, ge=1, le=24, description="A published per-unit ratio, this many units.")

    @model_validator(mode="after")
    def _interval_holds_the_ratio(self) -> Self:
        if not self.low <= self.ratio <= self.high:
            raise ValueError("the interval does not hold the ratio")
        return self


class Band(Part):
    """A stretch of a feature's values that counts alike: from an edge up to the next band's edge, or named choices."""

    from_: Number | None = Field(default=None, alias="from", description="Inclusive lower edge.")
    above: Number | None = Field(default=None, description="Exclusive lower edge.")
    is_: Choices | None = Field(default=None, alias="is", description="Choices that belong to the band.")
    reference: bool = False
    share: Number = Field(ge=0, le=1, description="Share of the reference population in this band.")
    effects: list[Effect] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _one_effect_may_stand_in_the_band(cls, given: object) -> object:
        """`{above: 1.1, ratio: …, low: …, high: …}` is short for one entry in `effects`."""
        if not isinstance(given, dict) or "ratio" not in given:
            return given
        own = set(cls.model_fields) | {"from", "is"}
        effect = {name: member for name, member in given.items() if name not in own}
        rest = {name: member for name, member in given.items() if name in own}
        listed = rest.get("effects", [])
        # what is no list is left to be refused as such
        return {**rest, "effects": [*listed, effect]} if isinstance(listed, list) else rest

    @model_validator(mode="after")
    def _edges_and_effects_make_sense(self) -> Self:
        if self.from_ is not None and self.above is not None:
            raise ValueError("a band has 'from' or 'above', not both")
        if self.from_ is None and self.above is None and self.is_ is None:
            raise ValueError("a band needs 'from', 'above' or 'is'")
        if self.reference and self.effects:
            raise ValueError("the reference band carries no ratio")
        return self


class Evidence(Part):
    """Where a factor's numbers come from and what they were measured on."""

    measure: str
    outcome: str
    sources: list[SourceId] = Field(min_length=1)
    checked_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class FactorJoint(Part):
    """How far a factor's evidence may be trusted for one joint, and what differs there."""

    grade: Grade | None
    weight: Number = Field(ge=0, le=1)
    reason: str | None = Field(default=None, description="Why the weight is below its grade's ceiling.")
    feature: str | None = None
    bands: list[Band] | None = None


class Factor(Part):
    """One thing that goes with more or fewer problems: a feature, its bands, and the evidence."""

    id: FactorId
    title: Text
    feature: str
    worse_when: Literal["higher", "lower", "later"] = Field(
        description="'later': of choices, a band listed later is worse."
    )
    modifiable: bool
    group: FactorId
    joints: dict[JointId, FactorJoint] = Field(min_length=1)
    bands: list[Band] = Field(min_length=1, max_length=20)
    shares_from: str
    evidence: Evidence
    contested: bool = False
    limits: Text

    def feature_of(self, joint: JointId) -> str:
        """The feature that the factor reads for this joint."""
        return self.joints[joint].feature or self.feature

    def bands_of(self, joint: JointId) -> list[Band]:
        """The bands that hold for this joint."""
        return self.joints[joint].bands or self.bands


class Condition(Part):
    """One thing that can be true of a runner: a factor in a band, a flag, a feature in a range, or all of several."""

    factor: FactorId | None = None
    joint: JointId | None = Field(default=None, description="With 'factor': only this joint's reading counts.")
    in_: Choices | None = Field(
        default=None, alias="in", description="Band labels, or 'raised' (any but the reference), or 'reference'."
    )
    flag: FactorId | None = None
    feature: str | None = None
    from_: Number | None = Field(default=None, alias="from")
    above: Number | None = None
    below: Number | None = None
    to: Number | None = None
    is_: Choices | None = Field(default=None, alias="is")
    all_: list["Condition"] | None = Field(default=None, alias="all", min_length=2)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        subjects = [self.factor, self.flag, self.feature, self.all_]
        if sum(subject is not None for subject in subjects) != 1:
            raise ValueError("a condition names exactly one of 'factor', 'flag', 'feature' or 'all'")
        if (self.factor is not None) != (self.in_ is not None):
            raise ValueError("'factor' goes with 'in'")
        ranged = any(edge is not None for edge in (self.from_, self.above, self.below, self.to))
        if (ranged or self.is_ is not None) != (self.feature is not None):
            raise ValueError("'feature' goes with a range or with 'is'")
        return self


class Advice(Part):
    """What a runner can do, why, and what that rests on."""

    id: FactorId
    category: Category
    joints: list[JointId] = Field(min_length=1)
    when: list[Condition] = Field(min_length=1, description="Any one of them calls for the advice.")
    not_when: list[Condition] = Field(default_factory=list, description="Any one of them silences it.")
    sets: dict[FactorId, str] = Field(
        default_factory=dict,
        description="The band of a runner like this one but for the habit: a label, or 'reference'.",
    )
    text: Text
    basis: Literal["trial", "association", "judgement"]
    evidence: Grade | None
    register_rows: list[str] = Field(default_factory=list)
    sources: list[SourceId] = Field(default_factory=list)


class Flag(Part):
    """Something that takes a joint out of scoring, or that the reader of a score must know."""

    id: FactorId
    joint: JointId | Literal["whole_body"]
    effect: Literal["suspend", "not_assess", "note"]
    urgency: Urgency | None
    question: Text | None = Field(
        default=None, description="Asked in plain words; reported through the joint's 'symptoms'."
    )
    when: list[Condition] = Field(default_factory=list, description="Or derived from the profile.")
    text: Text
    action: Text
    basis: Literal["source", "safety_judgement"]
    sources: list[SourceId] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_asked_or_derived(self) -> Self:
        if (self.question is None) == (not self.when):
            raise ValueError("a flag has either a 'question' or a 'when'")
        if self.effect == "suspend" and self.urgency is None:
            raise ValueError("a flag that suspends has an urgency")
        return self


class Benefit(Part):
    """What running does for this runner, in words that its source allows."""

    id: FactorId
    when: list[Condition] = Field(default_factory=list, description="Empty: it applies to everyone who is scored.")
    text: Text = Field(description="May hold {names} of the features listed in 'numbers'.")
    numbers: list[str] = Field(default_factory=list)
    evidence: Grade
    register_rows: list[str] = Field(default_factory=list)
    sources: list[SourceId] = Field(min_length=1)


class Source(Part):
    """A work that the document leans on."""

    citation: str
    doi: Annotated[str, Field(pattern=r"^10\.\d{4,9}/\S+$")] | None = None
    pmid: Annotated[str, Field(pattern=r"^\d{1,9}$")] | None = None
    pmcid: Annotated[str, Field(pattern=r"^PMC\d+$")] | None = None


class Level(Part):
    """A stretch of the scale with a name; it ends where the next begins."""

    id: FactorId
    from_: int = Field(alias="from", ge=0, le=100)
    headline: Text = Field(description="May hold {joint} and {compared_with}.")


class Levels(Part):
    """The cut points, and the share that must be known before a joint is given a score."""

    cuts: list[Level] = Field(min_length=1)
    known_share_floor: Number = Field(ge=0, lt=1)


class Rate(Part):
    """An average rate per 1000 hours of running, with the spread between sources."""

    average: Number = Field(gt=0)
    low: Number = Field(gt=0)
    high: Number = Field(gt=0)


class RateGroup(Part):
    """Whom the runner is compared with."""

    title: Text
    joints: dict[JointId, Rate]


class Rates(Part):
    """Average rates for runners in their first year and for others."""

    first_year: RateGroup
    experienced: RateGroup
    unknown_experience_title: Text
    register_rows: list[str] = Field(default_factory=list)
    sources: list[SourceId] = Field(min_length=1)


class Texts(Part):
    """Sentences of the answer that belong to no single entry."""

    notice: Text
    joints: dict[JointId, Text]
    headline_not_assessed: Text
    finding_first_year: Text


class Example(Part):
    """A worked example: a request and what must come of it, with the sum left visible."""

    title: str
    request: dict[str, object]
    points: dict[JointId, dict[FactorId, Number]] = Field(default_factory=dict)
    scores: dict[JointId, int | None] = Field(default_factory=dict)
    levels: dict[JointId, str | None] = Field(default_factory=dict)
    statuses: dict[JointId, str] = Field(default_factory=dict)
    advice: list[str] | None = None
    because: str = Field(default="", description="The arithmetic, in words that a reader can follow.")


class RuleSetDocument(Part):
    """All rules of one version. It does not hold its own version: the same rules are the same document."""

    factors: list[Factor] = Field(min_length=1, max_length=300)
    levels: Levels
    advice: list[Advice]
    flags: list[Flag]
    benefits: list[Benefit]
    sources: dict[SourceId, Source]
    rates: Rates
    texts: Texts
    examples: list[Example] = Field(default_factory=list)
