"""A score as the OpenAPI document describes it; a test holds every real answer to these models.

The models describe, they do not write: answers leave as bytes that `app.scoring.assessment` joined. Enumerations are
open (a client must expect new levels, statuses and codes), and members may be added within v1, so nothing is closed.
"""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

JointId = Annotated[str, Field(description="knee or lower_back; a third joint may come.")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Answer(BaseModel):
    """Every member is always present; what is not available is null, lists and maps are empty, never missing."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class RuleSetName(Answer):
    """The exact rules that made an answer."""

    version: str = Field(description="Local name of the rule set.")
    digest: Digest = Field(description="Its identity: SHA-256 over the canonical document.")


class RelativeRisk(Answer):
    """Risk against the average runner, with the interval that comes from the published intervals."""

    estimate: float = Field(description="2 to the power of (score - 50) / 25.")
    low: float = Field(description="Lower end of the 95 % interval.")
    high: float = Field(description="Upper end of the 95 % interval.")


class Rate(Answer):
    """Overuse problems of the joint per 1000 hours of running."""

    low: float = Field(description="Lower end of the runner's range.")
    high: float = Field(description="Upper end of the runner's range.")
    average: float = Field(description="The average of those the runner is compared with.")


class Conversion(Answer):
    """What the paper printed, where its odds ratio was converted."""

    measure: str
    estimate: float
    low: float | None
    high: float | None
    baseline_share: float | None = Field(description="Share with the outcome that the conversion rests on.")


class PublishedEffect(Answer):
    """One published effect behind a band."""

    measure: str = Field(description="HR, HRR, RR, OR and the like.")
    estimate: float
    low: float = Field(description="Lower end of the 95 % interval.")
    high: float = Field(description="Upper end of the 95 % interval.")
    interval: str = Field(description="printed, derived or assumed.")
    outcome: str = Field(description="What was counted.")
    power: int = Field(description="How often a per-unit ratio is taken.")
    weight: float = Field(description="How far it counts for this joint, 0 to 1.")
    converted_from: Conversion | None


class Contribution(Answer):
    """What one factor adds to a joint's score or takes from it; base plus all of them is the score before clipping."""

    factor: str = Field(description="Id of the factor; stable for ever.")
    title: str
    feature: str = Field(description="Id of the feature that it reads.")
    band: str | None = Field(description="Where the runner stands, such as '> 1.10'; null where that is not settled.")
    number: float | None = Field(description="The feature's number, in `unit`; null where it is unknown or a choice.")
    choice: str | None = Field(description="The feature's choice; null where it is unknown or a number.")
    unit: str = Field(description="Unit of `number`; '1' for a ratio.")
    status: str = Field(description="applied, reference, shadowed, unknown, not_applicable or excluded.")
    points: float = Field(description="Points that it adds here; +25 is twice the risk.")
    points_alone: float | None = Field(description="Points of the band by itself; null where the band is not settled.")
    modifiable: bool = Field(description="Whether a runner can change it.")
    weight: float = Field(description="How far the evidence counts for this joint, 0 to 1.")
    published: list[PublishedEffect] = Field(description="The effects that the band rests on.")
    evidence: str | None = Field(description="Grade for this joint: high, moderate, low, very_low, or null for none.")
    contested: bool = Field(description="Whether studies disagree.")
    sources: list[str] = Field(description="Ids in `sources`.")


class ContributionCode(Answer):
    """A contribution without its texts."""

    factor: str
    band: str | None
    status: str
    points: float


class JointNumbers(Answer):
    """What every size says of a joint."""

    status: str = Field(description="scored, suspended or not_assessed.")
    score: int | None = Field(description="0 to 100; 50 is the average runner, +25 doubles the risk, -25 halves it.")
    score_range: Annotated[list[int], Field(min_length=2, max_length=2)] | None = Field(
        description="Lowest and highest score that the unknown inputs could still give."
    )
    level: str | None = Field(description="low, typical, raised or high.")
    level_certain: bool | None = Field(description="Whether both ends of the range are in the same level.")
    known_share: float = Field(description="Share of the joint's possible span whose inputs were known, 0 to 1.")
    relative_risk: RelativeRisk | None


class JointCodes(JointNumbers):
    """One joint without texts."""

    base: float = Field(description="Score with every factor in its reference band.")
    rate_per_1000_h: Rate | None
    contributions: list[ContributionCode]


class JointAnswer(JointNumbers):
    """One joint with its reasons."""

    base: float = Field(description="Score with every factor in its reference band.")
    rate_per_1000_h: Rate | None
    contributions: list[Contribution] = Field(description="One for every factor, in the order of the rule set.")


class SummaryCodes(Answer):
    """The joint with the highest score; all null where none is scored or a referral stands alone."""

    level: str | None
    score: int | None
    joint: JointId | None


class Summary(SummaryCodes):
    """The answer in one sentence."""

    headline: str = Field(description="One plain sentence; the referral, where a joint is suspended.")
    compared_with: str = Field(description="Whose average the scores are measured against.")


class AdviceCode(Answer):
    """What a runner can do, by id."""

    id: str
    joints: list[JointId]
    because: list[str] = Field(description="Ids of the factors or flags that call for it.")
    similar_runner_score: dict[JointId, int] | None = Field(
        description="Score of a runner like this one but for that habit; null where nothing is scored by it."
    )


class Advice(AdviceCode):
    """What a runner can do, why, and what that rests on; the one that can take most points away comes first."""

    category: str = Field(description="footwear, progression, strength, warm_up, form, recovery or professional.")
    text: str
    basis: str = Field(description="trial, association or judgement: no more than that is claimed.")
    evidence: str | None = Field(description="Grade of the evidence.")
    sources: list[str] = Field(description="Ids in `sources`.")


class NextRun(Answer):
    """How long the next run can get before it leaves the range that was not linked with more injuries."""

    longest_in_reference_m: int | None = Field(description="Metres, for that run alone.")
    planned_m: float | None = Field(description="The planned run, metres.")
    within_reference: bool | None = Field(description="Whether the planned run is within that range.")
    scores_if_run: dict[JointId, int | None] = Field(description="The scores if the planned run is run.")


class Question(Answer):
    """The one unknown input whose answer could narrow the ranges most."""

    field: str = Field(description="JSON Pointer into the request.")
    narrows: dict[JointId, int] = Field(description="Points by which the ranges could narrow.")


class BenefitCode(Answer):
    """What running does for this runner, by id."""

    id: str
    numbers: dict[str, int] = Field(description="The numbers in its text.")


class Benefit(BenefitCode):
    """What running does for this runner's health."""

    text: str
    evidence: str
    sources: list[str] = Field(description="Ids in `sources`.")


class ReasonCode(Answer):
    """A red flag that is raised, by id."""

    id: str
    joint: JointId | None = Field(description="Null for the whole body.")


class Reason(ReasonCode):
    """A red flag that is raised, and what to do."""

    text: str
    action: str


class Screening(Answer):
    """Whether the red-flag symptoms were asked, and how soon to see somebody."""

    screened: bool = Field(description="Whether the red-flag symptoms of both joints were asked.")
    urgency: str | None = Field(
        description="emergency, prompt, routine or none; null when nothing was found but not everything was asked."
    )


class ReferralCodes(Screening):
    """Whether to see somebody; in every size of answer."""

    reasons: list[ReasonCode]


class Referral(Screening):
    """When to see a professional instead of a score."""

    reasons: list[Reason]


class FindingCode(Answer):
    """A doubt that did not stop the scoring."""

    severity: str = Field(description="info or warning.")
    code: str = Field(description="Stable.")
    pointer: str = Field(description="JSON Pointer into the request.")


class FindingAnswer(FindingCode):
    """A doubt that did not stop the scoring, in words."""

    message: str


class Source(Answer):
    """A work that an answer leans on."""

    citation: str
    doi: str | None
    pmid: str | None


class Receipt(Answer):
    """What proves later that the answer follows from the rules."""

    answer_digest: Digest = Field(description="SHA-256 over the `codes` answer (RFC 8785) without `receipt`.")
    covers: str = Field(description="numbers: a better sentence breaks no old receipt.")
    as_of: date
    min_evidence: str | None
    service_version: str


class ScoreNumbers(Answer):
    """The answer with `detail=scores`: the scores and the referral alone."""

    as_of: date
    joints: dict[JointId, JointNumbers]
    referral: ReferralCodes
    rule_set: RuleSetName


class ScoreCodes(Answer):
    """The answer with `detail=codes`: ids and numbers; the texts are at `/v1/rule-sets/{version}/texts`."""

    as_of: date
    summary: SummaryCodes
    joints: dict[JointId, JointCodes]
    advice: list[AdviceCode]
    next_run: NextRun | None
    ask_next: Question | None
    benefits: list[BenefitCode]
    referral: ReferralCodes
    findings: list[FindingCode]
    weak_evidence_share: float
    rule_set: RuleSetName
    receipt: Receipt


class Score(Answer):
    """The answer with `detail=full`: reasons, sources, doubts, and what to do."""

    as_of: date = Field(description="The runner's local date that the score is for.")
    summary: Summary
    joints: dict[JointId, JointAnswer]
    advice: list[Advice]
    next_run: NextRun | None
    ask_next: Question | None
    benefits: list[Benefit]
    referral: Referral
    findings: list[FindingAnswer]
    weak_evidence_share: float = Field(description="Share of the applied points that rests on very_low evidence.")
    sources: dict[str, Source]
    rule_set: RuleSetName
    receipt: Receipt
    notice: str = Field(description="What this is and is not.")


class Verdict(Answer):
    """Whether a request still has the answer that was kept."""

    same: bool
    differs: list[str] | None = Field(
        description="JSON Pointers into the answer, 100 at most; null unless an answer was sent."
    )


ANSWERS: tuple[type[Answer], ...] = (Score, ScoreCodes, ScoreNumbers, Verdict)
