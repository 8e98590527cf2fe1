"""A runner and a training log, as they come over the wire and as the heart reads them: one definition for both.

Field descriptions here are the OpenAPI text and the text of `GET /v1/factors`. Everything but `runner` and
`training` is optional, and so is every field inside them: a field that is left out, or null, is unknown.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

JointId = Literal["knee", "lower_back"]
JOINTS: tuple[JointId, ...] = ("knee", "lower_back")

SESSIONS_MAX = 2_000
WEEKS_MAX = 104


def _whole_number(given: object) -> object:
    """JSON has one kind of number: 3.0 is as whole as 3."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


def _written_day(given: object) -> object:
    """A day is written as YYYY-MM-DD; mere digits are no day, though they could be taken for seconds since 1970."""
    if isinstance(given, str):
        return given if len(given) == 10 and given[4] == "-" else "not a day"
    return given if isinstance(given, date) else ()  # of the wrong kind, whatever it was


def _written_moment(given: object) -> object:
    """A moment begins as a day does; mere digits are none."""
    if isinstance(given, str):
        return given if given[4:5] == "-" else "not a moment"
    return given if isinstance(given, date) else ()


# Not strict after that: what has passed through a function is no longer JSON, and strictly a text is then no date.
Day = Annotated[date, Field(strict=False), BeforeValidator(_written_day)]
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_moment)]
# The bounds stand inside, where the JSON Schema shows them.
Months = Annotated[int, Field(ge=0, le=1200), BeforeValidator(_whole_number)]
Episodes = Annotated[int, Field(ge=0, le=1000), BeforeValidator(_whole_number)]
Pain = Annotated[int, Field(ge=0, le=10), BeforeValidator(_whole_number)]
Pairs = Annotated[int, Field(ge=0, le=100), BeforeValidator(_whole_number)]
Age = Annotated[int, Field(ge=5, le=110), BeforeValidator(_whole_number)]
FlagId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Symptoms = Annotated[list[FlagId], Field(max_length=64)]


class Told(BaseModel):
    """What a caller tells us: closed to unknown members, and free of numbers that are none."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True, hide_input_in_errors=True)


class JointHistory(Told):
    """What a runner knows of a joint: earlier trouble, pain now, red-flag symptoms."""

    history: Literal["never", "recovered", "current"] | None = Field(
        default=None, description="Trouble with this joint: never, recovered, or current (there now)."
    )
    months_since: Months | None = Field(
        default=None,
        description="Completed months since the last episode ended; a current one counts as 0.",
    )
    episodes: Episodes | None = Field(default=None, description="How many episodes there have been, this one included.")
    pain_now: Pain | None = Field(
        default=None,
        description="Pain in this joint over the last 7 days, at its worst, from 0 (none) to 10.",
    )
    pain_at_rest: bool | None = Field(default=None, description="Whether the joint hurts at rest or at night.")
    surgery_months_since: Months | None = Field(default=None, description="Completed months since the operation.")
    cleared_to_run: bool | None = Field(
        default=None, description="Whether a surgeon or physiotherapist has said that the runner may run again."
    )
    symptoms: Symptoms | None = Field(
        default=None,
        description="Ids of the red flags that apply to this joint; [] means that they were asked and none applies; "
        "absent means not asked.",
    )


class Knee(JointHistory):
    """The knees, taken together: the worse one counts."""

    surgery: Literal["none", "ligament", "meniscus", "other"] | None = Field(
        default=None, description="The last operation on a knee."
    )


class LowerBack(JointHistory):
    """The lower back."""

    surgery: Literal["none", "disc", "other"] | None = Field(
        default=None, description="The last operation on the lower back."
    )


class OtherInjury(Told):
    """The last running injury anywhere but at the knee or the lower back."""

    history: Literal["never", "recovered", "current"] | None = Field(
        default=None, description="A running injury elsewhere: never, recovered, or current."
    )
    months_since: Months | None = Field(
        default=None, description="Completed months since it ended; a current one counts as 0."
    )


class Shoes(Told):
    """The running shoes in use."""

    pairs: Pairs | None = Field(
        default=None, description="Pairs of running shoes used in parallel (in the same weeks)."
    )
    cushioning: Literal["soft", "medium", "firm"] | None = Field(
        default=None, description="How firm the midsole is; leave it out when it is not known."
    )
    support: Literal["neutral", "stability", "motion_control", "minimalist"] | None = Field(
        default=None, description="The kind of shoe that most runs are done in."
    )
    distance_m: float | None = Field(
        default=None, ge=0, le=20_000_000, description="Distance run in the most used pair, metres."
    )
    comfortable: bool | None = Field(default=None, description="Whether the shoes feel comfortable.")


class StrengthTraining(Told):
    """Strength or trunk exercise besides running."""

    sessions_per_week: float | None = Field(
        default=None, ge=0, le=50, description="Usual sessions a week over the last weeks."
    )
    supervised: bool | None = Field(
        default=None, description="Whether a coach or physiotherapist guides them in person."
    )
    focus: Literal["hip_core", "general"] | None = Field(default=None, description="Hip and core, or general.")


class Runner(Told):
    """The person: what is known of body, habits and history. Nothing here is stored or logged."""

    age_years: Age | None = Field(default=None, description="Age in completed years.")
    sex: Literal["female", "male", "other"] | None = Field(
        default=None, description="Sex, for the body-mass cut of one shoe trial; nothing else reads it."
    )
    height_m: float | None = Field(default=None, ge=0.8, le=2.6, description="Height in metres.")
    mass_kg: float | None = Field(default=None, ge=20, le=350, description="Body mass in kilograms.")
    running_years: float | None = Field(
        default=None, ge=0, le=100, description="Years of regular running; under one year counts as a new runner."
    )
    goal_event: Literal["none", "5k", "10k", "half_marathon", "marathon", "ultra"] | None = Field(
        default=None, description="The race that the training is for."
    )
    knee: Knee | None = Field(default=None, description="The knees.")
    lower_back: LowerBack | None = Field(default=None, description="The lower back.")
    other_injury: OtherInjury | None = Field(default=None, description="Running injuries elsewhere.")
    symptoms: Symptoms | None = Field(
        default=None,
        description="Ids of red flags that belong to no single joint; [] means that they were asked and none applies.",
    )
    core_strength: Literal["weak", "average", "strong"] | None = Field(
        default=None, description="How strong the runner takes the own trunk to be."
    )
    plank_seconds: float | None = Field(
        default=None,
        ge=0,
        le=40_000,
        description="Longest held front plank, seconds; shown against norms, never scored.",
    )
    posture: Literal["poor", "fair", "good"] | None = Field(
        default=None,
        description="How the posture while running has been judged, by the runner or by somebody who watched.",
    )
    foot_posture: Literal["pronated", "neutral", "supinated"] | None = Field(
        default=None, description="Foot posture as assessed by somebody; leave it out when it is a guess."
    )
    shoes: Shoes | None = Field(default=None, description="Running shoes.")
    strength_training: StrengthTraining | None = Field(default=None, description="Strength or trunk exercise.")
    warm_up: Literal["never", "sometimes", "usually"] | None = Field(
        default=None, description="Whether runs begin with a warm-up."
    )
    sleep_hours: float | None = Field(
        default=None, ge=0, le=24, description="Hours of sleep a night, mean of the last two weeks."
    )
    other_sport_hours_per_week: float | None = Field(
        default=None, ge=0, le=100, description="Hours a week of sport other than running, usual of the last weeks."
    )
    life_complaint: bool | None = Field(
        default=None,
        description="Whether stress, low mood or a burden of daily life has been a complaint in the last 7 days.",
    )
    pregnancy: Literal["none", "pregnant", "postpartum"] | None = Field(
        default=None, description="Pregnant, or within 12 weeks after birth (postpartum)."
    )


class Session(Told):
    """One run."""

    id: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="The caller's id of the activity; two sessions of one id count once."
    )
    started_on: Day | None = Field(default=None, description="The runner's local date of the start.")
    started_at: Moment | None = Field(
        default=None, description="Moment of the start with its UTC offset; the local day is that of the offset."
    )
    distance_m: float | None = Field(
        default=None, ge=0, le=1_000_000, description="Distance, metres; leave it out when it is unknown, 0 is no run."
    )
    duration_s: float | None = Field(default=None, ge=0, le=864_000, description="Moving time, seconds.")
    effort: float | None = Field(default=None, ge=0, le=10, description="Session RPE on the CR10 scale, 0 to 10.")
    ascent_m: float | None = Field(default=None, ge=0, le=30_000, description="Climb, metres.")


class PlannedRun(Told):
    """The run that is planned next."""

    on: Day | None = Field(default=None, description="The local date it is planned for; as_of when left out.")
    distance_m: float = Field(ge=0, le=1_000_000, description="Planned distance, metres.")
    duration_s: float | None = Field(default=None, ge=0, le=864_000, description="Planned moving time, seconds.")


class Training(Told):
    """What was run: sessions, or weekly distances, and what is planned next."""

    sessions: list[Session] | None = Field(
        default=None,
        max_length=SESSIONS_MAX,
        description="Runs in any order; the last 60 days are enough, more does no harm.",
    )
    weekly_distance_m: list[Annotated[float, Field(ge=0, le=2_000_000)] | None] | None = Field(
        default=None,
        max_length=WEEKS_MAX,
        description="Distance a week, metres, oldest first, the last 7 days last, null for an unknown week; "
        "used where sessions are absent.",
    )
    observed_from: Day | None = Field(
        default=None,
        description="The day since when every run is in the log (default: the day of the first session); "
        "a day without a run after it is rest, a day before it is unknown.",
    )
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="IANA time zone in which a start given in UTC ('Z') is turned into a local day."
    )
    planned_run: PlannedRun | None = Field(default=None, description="The run that is planned next.")


class ScoreRequest(Told):
    """One runner to score, on one day."""

    as_of: Day | None = Field(
        default=None,
        description="The runner's local date that the score is for; by default the later of today in UTC and the day "
        "of the last session, if that is at most one day ahead.",
    )
    runner: Runner = Field(description="The person.")
    training: Training = Field(description="The training.")


class Finding(BaseModel):
    """A doubt that did not stop the scoring: a stable code, where, and a sentence."""

    model_config = ConfigDict(frozen=True)

    severity: Literal["info", "warning"]
    code: str
    pointer: str
    message: str
