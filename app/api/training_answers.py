"""The answer of an import: what the OpenAPI document describes, and what the reading process is held to.

That process reads what strangers made, so its answer is checked like any input before it is passed on.
"""

from collections import Counter
from typing import Annotated, Any

from pydantic import Field, ValidationError, WithJsonSchema

from app.api.answers import Answer
from app.errors import WorkDiedError
from app.readers.activities import SPORTS, Sport
from app.readers.findings import FINDINGS, Severity
from app.runners import Training
from app.telemetry import Telemetry

# The document refers to the one that requests are made with; described anew it would have another name.
RequestTraining = Annotated[Any, WithJsonSchema({"type": "object"})]
# Held to what there is today, and described as open: a later release may know more.
OpenText = WithJsonSchema({"type": "string"})


class NumberOrigin(Answer):
    """Where a number was read."""

    file: str = Field(description="The file, as its sender called it.")
    reader: str = Field(description="Id of the reader.")
    field: str = Field(description="Where in the file, in the format's own words.")


class ImportedActivity(Answer):
    """One activity of one file."""

    source: str = Field(description="The file, as its sender called it.")
    reader: str = Field(description="Id of the reader: the format.")
    sport: Annotated[Sport, OpenText] = Field(
        description=f"What it was: {', '.join(SPORTS)} where the file does not say."
    )
    id: str | None = Field(description="What the platform calls it.")
    device: str | None = Field(description="The device or app that recorded it.")
    started_at: str | None = Field(description="The start; with the runner's offset where it is known, else in UTC.")
    started_on: str | None = Field(description="The runner's local date.")
    distance_m: float | None = Field(description="Metres.")
    duration_s: float | None = Field(description="Seconds of moving or timer time.")
    ascent_m: float | None = Field(description="Metres.")
    effort: float | None = Field(description="Session RPE, 0 to 10.")
    part_of: str | None = Field(description="The multisport activity that it is a leg of.")
    counted: bool = Field(description="Whether it counts as a run.")
    provenance: dict[str, NumberOrigin] = Field(description="Where each number was read.")


class ImportedWeek(Answer):
    """The runs of one calendar week."""

    from_: str = Field(alias="from", description="Its Monday.")
    to: str = Field(description="Its Sunday.")
    runs: int = Field(description="How many runs.")
    distance_m: float = Field(description="Metres, of the runs whose distance is known.")
    duration_s: float = Field(description="Seconds, of the runs whose duration is known.")
    longest_m: float | None = Field(description="The longest run, metres.")
    runs_without_distance: int = Field(description="Runs whose distance is not known.")


class ImportFinding(Answer):
    """A doubt about a file or an activity."""

    severity: Annotated[Severity, OpenText] = Field(description="info or warning.")
    code: str = Field(description="Stable; listed in the docs.")
    pointer: str = Field(description="JSON Pointer into the answer; empty where it is about a file.")
    source: str | None = Field(description="The file.")
    others: list[str] = Field(description="Other files that it is about: those with the same activity, say.")
    count: int = Field(description="Of how many things it tells.")
    message: str = Field(description="For people; may change.")


class TrainingImport(Answer):
    """What the files hold."""

    training: RequestTraining = Field(description="Runs of the last 400 days, to be sent to `/v1/scores` as it is.")
    other_sport_hours_per_week: float | None = Field(
        description="Ride, swim, hike and other sport of the last four weeks, for the runner's field of that name; "
        "null where there was none."
    )
    activities: list[ImportedActivity] = Field(description="Every activity of every file, in the order of reading.")
    weeks: list[ImportedWeek] = Field(description="Calendar weeks, oldest first.")
    findings: list[ImportFinding] = Field(description="Warnings first.")
    findings_left_out: int = Field(description="How many more there were.")


def ensure_import(answer: bytes) -> TrainingImport:
    """What these bytes say, if they are an answer of an import, with a training that a request could hold.

    Raises:
        WorkDiedError: they are something else.
    """
    try:
        imported = TrainingImport.model_validate_json(answer, extra="forbid")
        Training.model_validate(imported.training)
    except ValidationError:
        raise WorkDiedError from None
    return imported


def count_findings(imported: TrainingImport, *, telemetry: Telemetry) -> None:
    """Adds to the numbers what was doubted; a code that nobody knows, from a process that was led astray, is none."""
    for code, times in Counter(found.code for found in imported.findings).items():
        if code in FINDINGS:
            telemetry.count("joint_risk_import_findings", code, times=times)


ANSWERS: tuple[type[Answer], ...] = (TrainingImport,)
