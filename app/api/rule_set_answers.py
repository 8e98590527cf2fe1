"""Every answer that is no score, as the OpenAPI document describes it: rule sets, operations, problems."""

from datetime import datetime

from pydantic import ConfigDict, Field, JsonValue

from app.api.answers import Answer, Digest, JointId, PublishedEffect, RuleSetName, Source


class WithdrawalRow(Answer):
    """One row of the ledger of withdrawals."""

    sequence: int
    version: str
    digest: Digest
    withdrawn_at: datetime
    withdrawn_by: str
    reason: str


class RuleSetItem(Answer):
    """A published rule set in a list."""

    version: str
    digest: Digest
    published_at: datetime
    published_by: str
    reason: str
    active: bool = Field(description="Whether this replica scores by it now.")
    withdrawal: WithdrawalRow | None = Field(description="Who withdrew it, when and why; null where nobody did.")


class RuleSetList(Answer):
    """A page of published rule sets."""

    items: list[RuleSetItem]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class PublishedRuleSet(Answer):
    """A published rule set with everything it says."""

    version: str
    digest: Digest
    published_at: datetime
    published_by: str
    reason: str
    document: dict[str, JsonValue] = Field(description="As in openapi/rule-set.schema.json.")


class ActivationRow(Answer):
    """One row of the ledger of activations."""

    sequence: int
    version: str | None = Field(description="Null in a row that only cancels.")
    digest: Digest | None
    effective_at: datetime | None
    activated_at: datetime
    activated_by: str
    reason: str
    cancels: list[int] = Field(description="Sequences that it cancels.")
    outranks: list[int] = Field(
        description="Sequences that are scheduled now and will not take effect, because this one was decided later and "
        "holds at their moments. Not cancelled: once this one is, they count again."
    )


class ActivationItem(ActivationRow):
    """One row of the ledger of activations, in a list."""

    active: bool = Field(description="Whether it is the one in force now.")
    outranked_by: int | None = Field(
        description="Where it is scheduled and will not take effect: the sequence that holds at its moment. Else null."
    )


class ActivationList(Answer):
    """A page of the ledger of activations."""

    items: list[ActivationItem]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class InputFactor(Answer):
    """A factor that reads an input, as it acts on one joint."""

    factor: str
    title: str
    joint: JointId
    evidence: str | None = Field(description="Grade for this joint; null for none.")
    weight: float
    contested: bool
    sources: list[str]


class Input(Answer):
    """One field of the request and what the rules make of it."""

    field: str = Field(description="JSON Pointer into the request.")
    meaning: str
    type: str = Field(description="JSON type.")
    unit: str | None
    minimum: float | None
    maximum: float | None
    choices: list[str] = Field(description="Empty where it is no choice.")
    used_for: list[str] = Field(description="score, suspension, advice, shown.")
    sensitive: bool = Field(description="Whether it says something about health.")
    span: dict[JointId, float] = Field(description="Points between its best and its worst answer.")
    if_absent: str = Field(description="What happens when it is left out, such as counts_as_average.")
    factors: list[InputFactor]


class RedFlag(Answer):
    """A symptom to ask for."""

    id: str = Field(description="What goes into the field.")
    joint: JointId | None = Field(description="Null for the whole body.")
    field: str = Field(description="JSON Pointer into the request.")
    question: str
    urgency: str | None
    sources: list[str]


class Inputs(Answer):
    """Every input that the rules read, in request order."""

    rule_set: RuleSetName
    inputs: list[Input]
    red_flags: list[RedFlag]


class BandText(Answer):
    """One band of a factor and the effects that it rests on."""

    band: str
    published: list[PublishedEffect]


class FactorTextAtJoint(Answer):
    """A factor as it acts on one joint."""

    feature: str
    unit: str
    evidence: str | None
    weight: float
    bands: list[BandText]


class FactorText(Answer):
    """What a factor's id stands for."""

    title: str
    limits: str
    modifiable: bool
    contested: bool
    sources: list[str]
    joints: dict[JointId, FactorTextAtJoint]


class LevelText(Answer):
    """What a level's id stands for."""

    from_: int = Field(alias="from", description="Lowest score of the level.")
    headline: str = Field(description="May hold {joint} and {compared_with}.")


class AdviceText(Answer):
    """What an advice's id stands for."""

    category: str
    text: str
    basis: str
    evidence: str | None
    sources: list[str]


class FlagText(Answer):
    """What a red flag's id stands for."""

    joint: JointId | None = Field(description="Null for the whole body.")
    urgency: str | None
    question: str | None = Field(description="How to ask for it; null where it is derived.")
    text: str
    action: str
    sources: list[str]


class BenefitText(Answer):
    """What a benefit's id stands for."""

    text: str = Field(description="Holds the names of its `numbers` in braces.")
    evidence: str
    sources: list[str]


class RateTexts(Answer):
    """Whom a runner is compared with, in words."""

    first_year: str
    experienced: str
    unknown: str
    sources: list[str]


class RuleSetTexts(Answer):
    """Everything that the ids of a `codes` answer stand for."""

    version: str
    digest: Digest
    language: str
    factors: dict[str, FactorText]
    levels: dict[str, LevelText]
    advice: dict[str, AdviceText]
    flags: dict[str, FlagText]
    benefits: dict[str, BenefitText]
    rates: RateTexts
    joints: dict[JointId, str]
    headline_not_assessed: str
    notice: str
    sources: dict[str, Source]


# --------------------------------------------------------------------------------------------------------- the desk


class DraftItem(Answer):
    """A rule set that is being written, without its document."""

    name: str
    digest: Digest = Field(description="What a version made of it will have.")
    media_type: str
    editors: list[str] = Field(description="Everybody who wrote on it; all count as authors.")
    updated_at: datetime
    updated_by: str
    etag: str = Field(description="Without quotes; for If-Match.")


class DraftList(Answer):
    """A page of drafts."""

    items: list[DraftItem]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class DocumentFinding(Answer):
    """One broken promise of a rule-set document."""

    severity: str = Field(description="error keeps it from being published, warning does not.")
    code: str = Field(description="Stable.")
    path: str = Field(description="JSON Pointer into the document.")
    message: str
    counterexample: dict[str, JsonValue] | None = Field(
        description="A request for POST /v1/scores in whose answer it shows, or two under `better` and `worse`."
    )


class CheckResult(Answer):
    """What a check found."""

    ok: bool = Field(description="Whether it can be published: no finding is an error.")
    name: str
    digest: Digest = Field(description="What a version made of this draft will have.")
    draft_digest: Digest = Field(description="The same, under the name by which :publish takes it.")
    findings: list[DocumentFinding]


# --------------------------------------------------------------------------------------------------- operations


class Liveness(Answer):
    """The process answers."""

    status: str


class ReadinessDetails(Answer):
    """What an operator wants to know of a process."""

    release: str
    settings: dict[str, JsonValue] = Field(description="Every setting by name, but those that may hold a secret.")
    fixed_limits: dict[str, float] = Field(
        description="Every bound that is no setting, by a name that ends with its unit."
    )
    store_kind: str = Field(description="sqlite, postgresql, or bundle for none.")
    keys_age_s: int | None = Field(description="Seconds since the list of keys was last read; null if it never was.")
    calls_in_flight: int = Field(description="Calls being answered, this one included.")
    log_lines_dropped: int = Field(description="Log lines given up because nobody took them.")


class Readiness(Answer):
    """How this replica stands to its rules and its store."""

    status: str = Field(description="ok, degraded, starting or draining.")
    store: str = Field(
        description="ok, away, schema-behind, schema-ahead, unknown, ephemeral where it goes with its container, or "
        "bundle where there is none."
    )
    store_seen_s_ago: int | None = Field(description="Seconds since the store last answered; null if it never did.")
    keys: str = Field(
        description="ok, none (this machine alone is served), stale (they could not be read lately) or unknown."
    )
    rule_set: RuleSetName | None = Field(description="The rules in force on this replica.")
    activation: int | None = Field(description="Number of the activation that put them in force.")
    scheduled: list[int] = Field(description="Activations that it will put in force at their moments.")
    refused: list[str] = Field(description="Versions that are or will be in force and that this release cannot load.")
    details: ReadinessDetails | None = Field(description="With `?verbose`, for operators; else null.")


# ----------------------------------------------------------------------------------------------------- problems


class ProblemFault(Answer):
    """One thing that is wrong, and where."""

    pointer: str = Field(
        description="JSON Pointer into the body, '' for the whole; `/query/<name>` for a parameter of the address."
    )
    code: str = Field(description="Stable.")
    detail: str = Field(description="For people; may change.")


class Problem(Answer):
    """Why a call was refused (RFC 9457); never holds a value that was sent."""

    # Of all answers the one with a member that is not always there.
    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    type: str = Field(description="`urn:joint-risk:problem:` and a slug that never changes.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request id, as in the header `Request-Id`.")
    errors: list[ProblemFault] = Field(description="Every fault, 100 at most.")
    errors_left_out: int = Field(description="How many more there were.")
    findings: list[DocumentFinding] = Field(
        default=[], description="Where a rule set was refused: everything that was found in it. Else not there."
    )


ANSWERS: tuple[type[Answer], ...] = (
    Inputs,
    RuleSetList,
    PublishedRuleSet,
    ActivationList,
    ActivationRow,
    WithdrawalRow,
    DraftList,
    CheckResult,
    RuleSetTexts,
    Liveness,
    Readiness,
    Problem,
)
