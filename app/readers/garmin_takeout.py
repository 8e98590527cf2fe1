"""Garmin's data takeout: `*_summarizedActivities.json`.

Nobody documents it; what is known of it was seen: a list around an object around the list, distances and climbs in
centimetres, durations in milliseconds, and starts in milliseconds since 1970, of which `startTimeLocal` counts as if
the runner's clock had been UTC.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading
from app.readers.content import Content
from app.readers.platform_sports import sport_of_platform
from app.readers.quantities import ascent_of, mm_of, moment_of_unix, ms_of, number_of
from app.readers.records import Record, effort_of, id_of, read_records

ID: Final = "garmin-takeout"
_WRAPPER: Final = "summarizedActivitiesExport"
_STARTS: Final = ("startTimeGmt", "startTimeGMT", "beginTimestamp")
_CM: Final = 0.01
_MS: Final = 0.001
_NEST_MOST: Final = 3
_PARENT: Final = "The whole of a multisport activity was left out, since its legs are told one by one."


def _is_one(told: object) -> bool:
    """A takeout's starts are numbers; the website's JSON, in metres and seconds, has text there."""
    if not isinstance(told, Mapping) or "activityType" not in told or "activityId" not in told:
        return False
    return any(number_of(told.get(name)) is not None for name in _STARTS)


def _entries(told: object, *, place: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """The entries, whichever way they are wrapped."""
    if isinstance(told, Mapping) and isinstance(told.get(_WRAPPER), list):
        yield from _entries(told[_WRAPPER], place=f"{place}.{_WRAPPER}".lstrip("."), depth=depth + 1)
    elif isinstance(told, list) and depth < _NEST_MOST:
        for number, one in enumerate(told):
            yield from _entries(one, place=f"{place}[{number}]", depth=depth + 1)
    else:
        yield place, told


def sniff(content: Content) -> bool:
    """Whether it is wrapped like a takeout's, or the first entry starts at a number."""
    told = content.json
    first = told[0] if isinstance(told, list) and told else told
    if isinstance(first, Mapping) and isinstance(first.get(_WRAPPER), list):
        return True
    return told is not None and _is_one(next(_entries(told), ("", None))[1])


def read(content: Content) -> Reading:
    """One activity an entry, legs of a multisport activity one by one.

    Raises:
        UnreadableTrainingError: there is neither a list nor an object in it.
    """
    if not isinstance(content.json, list | Mapping):
        raise UnreadableTrainingError(content.name, "It is no JSON of Garmin's takeout.")
    return read_records(_entries(content.json), _activity, content=content, reader=ID)


def _activity(record: Record) -> Activity | None:
    if record.says("parent") or record.says("isParent"):
        record.doubt("multisport-leg", _PARENT)
        return None
    record.take("id", id_of, "activityId")
    record.take("part_of", id_of, "parentId")
    record.take("started_at", _moment, *_STARTS)
    record.take("clock_at_start", _clock, "startTimeLocal")
    record.take("distance_mm", lambda told: mm_of(told, unit_m=_CM), "distance")
    record.take("duration_ms", _ms, "duration", "movingDuration", "elapsedDuration")
    record.take("elapsed_ms", _ms, "elapsedDuration")
    record.take("ascent_m", _ascent_m, "elevationGain")
    record.take("effort", lambda told: effort_of(told, scale=0.1), "workoutRpe")
    if record.says("manualActivity"):
        record.mark_manual(path="manualActivity")
    sport = sport_of_platform(record.text("activityType", "activityType.typeKey", "sportType"))
    return record.activity(sport, id_space="garmin")


def _moment(told: object) -> datetime | None:
    return moment_of_unix(told, unit_s=_MS)


def _clock(told: object) -> datetime | None:
    moment = moment_of_unix(told, unit_s=_MS)
    return None if moment is None else moment.replace(tzinfo=None)


def _ms(told: object) -> int | None:
    return ms_of(told, unit_s=_MS)


def _ascent_m(told: object) -> float | None:
    number = number_of(told)
    return None if number is None else ascent_of(number * _CM)


READER: Final = Reader(
    id=ID,
    title="Garmin takeout (summarizedActivities.json)",
    media_types=("application/vnd.joint-risk.garmin-takeout+json",),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
