"""What every reader answers in: activities, doubts about them, and where each number was read.

A reader maps one format to these and judges nothing else. Duplicates, implausible paces, missing distances, local days
and what counts as running are settled for all formats alike in `merging.py` and `assembly.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, NamedTuple, get_args

from app.readers.content import Content
from app.readers.findings import FindingCode

Sport = Literal[
    "run", "run_trail", "run_treadmill", "run_track", "walk", "hike", "ride", "swim", "other", "unknown"
]  # fmt: skip
SPORTS: Final[tuple[Sport, ...]] = get_args(Sport)
RUNNING: Final[frozenset[Sport]] = frozenset({"run", "run_trail", "run_treadmill", "run_track"})


class Origin(NamedTuple):
    """Where a number was read.

    Attributes:
        file: the file as its sender called it, fit to be printed.
        reader: id of the reader.
        field: where in the file, in the format's own words: `session[0].total_distance`, `Activities[2].distance`.
    """

    file: str
    reader: str
    field: str


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity as one file tells it.

    A start may be known as a moment, as the time on the runner's clock, or as both; a reader fills in what the format
    really says, and no more.

    Attributes:
        source: the file as its sender called it, fit to be printed (`Content.name`).
        reader: id of the reader.
        sport: `unknown` where the format does not say; `other` where it says something else.
        id: what the platform or device calls the activity; the same id from the same platform is the same activity.
        id_space: whose id that is ("strava", "garmin"); ids of different platforms are never compared.
        device: the device or app that recorded it, None when not told.
        started_at: the moment of the start, aware; its offset means nothing here. None when only a local time is known.
        clock_at_start: what the runner's own clock showed then, naive; None when only the moment is known.
        started_on: the runner's local date, where a format tells a date alone; else None.
        solar_offset_h: hours east by longitude, whole; a hint at the local day where no clock is known.
        distance_mm: whole millimetres, None when unknown; 0 only where the format says 0.
        duration_ms: moving or timer time, since exposure is running time; elapsed time only where nothing else is told.
        elapsed_ms: from start to end with every pause, None when unknown.
        ascent_m: climb, None when unknown.
        effort: session RPE on the CR10 scale, None when unknown.
        is_manual: somebody typed it in.
        part_of: id of the multisport activity that this is a leg of.
        provenance: name of an attribute above to where it was read; every number that is told has one.
    """

    source: str
    reader: str
    sport: Sport
    id: str | None = None
    id_space: str | None = None
    device: str | None = None
    started_at: datetime | None = None
    clock_at_start: datetime | None = None
    started_on: date | None = None
    solar_offset_h: int | None = None
    distance_mm: int | None = None
    duration_ms: int | None = None
    elapsed_ms: int | None = None
    ascent_m: float | None = None
    effort: float | None = None
    is_manual: bool = False
    part_of: str | None = None
    provenance: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadingFinding:
    """A doubt about a file or about one of its activities.

    Attributes:
        code: a row of `FINDINGS`.
        source: the file.
        activity: place in `Reading.activities` of the one it is about; None: the file.
        detail: one more sentence, without anything that the runner did: "Read up to byte 768.", say.
        count: of how many things it tells.
    """

    code: FindingCode
    source: str
    activity: int | None = None
    detail: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file holds."""

    activities: list[Activity] = field(default_factory=list)
    findings: list[ReadingFinding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """One format.

    Attributes:
        id: stable; stands in provenance.
        title: what people call the format.
        media_types: the first is the one to send.
        suffixes: lower case, with the dot; a hint only, the content decides.
        sniff: whether the content is of this format; raises nothing, and looks at as little as will do.
        read: maps the content. Raises UnreadableTrainingError, and no other error of any class, whatever the bytes.
    """

    id: str
    title: str
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    sniff: Callable[[Content], bool]
    read: Callable[[Content], Reading]


def origins(content: Content, reader: str, **fields: str | None) -> dict[str, Origin]:
    """Provenance, from attribute to field of the format; those that are None were not told.

    >>> origins(Content(b"", name="run.fit"), "fit", distance_mm="session[0].total_distance", duration_ms=None)
    {'distance_mm': Origin(file='run.fit', reader='fit', field='session[0].total_distance')}
    """
    return {name: Origin(content.name, reader, told) for name, told in fields.items() if told is not None}
