"""Garmin's Health and Activity API: activity summaries and details, as they are pushed or pulled.

The format is that of the Garmin Connect developer programme's Activity API: metres and seconds, the start in seconds
since 1970 with `startTimeOffsetInSeconds` beside it. A multisport activity comes as a parent and its legs.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading
from app.readers.content import Content
from app.readers.platform_sports import sport_of_platform
from app.readers.quantities import ascent_of, clock_of, mm_of, moment_of_unix, ms_of
from app.readers.records import Record, id_of, in_list, look_up, read_records

ID: Final = "garmin-api"
_LISTS: Final = ("activities", "manuallyUpdatedActivities", "activityDetails")
_NO_DEVICE: Final = "unknown"
_PARENT: Final = "The whole of a multisport activity was left out, since its legs are told one by one."
# Epochs and days have a start and a duration too, and what they hold is in the activities already.
_NO_ACTIVITY: Final = frozenset({"activeTimeInSeconds", "calendarDate", "met", "moveIQ", "activitySubType"})


def _summary(told: object) -> object:
    """The summary of an entry; details carry theirs in a member."""
    return told["summary"] if isinstance(told, Mapping) and isinstance(told.get("summary"), Mapping) else told


def _summaries(told: object) -> list[tuple[str, object]]:
    if isinstance(told, Mapping) and any(name in told for name in _LISTS):
        entries = [entry for name in _LISTS for entry in in_list(told.get(name), place=name)]
    else:
        entries = in_list(told)
    return [
        (f"{place}.summary" if _summary(entry) is not entry else place, _summary(entry)) for place, entry in entries
    ]


def sniff(content: Content) -> bool:
    """Whether the first entry is a summary of an activity, and not of a day or a quarter of an hour."""
    summaries = _summaries(content.json)
    first = summaries[0][1] if summaries else None
    if not isinstance(first, Mapping) or not {"startTimeInSeconds", "activityType"} <= first.keys():
        return False
    return not _NO_ACTIVITY & first.keys()


def read(content: Content) -> Reading:
    """One activity a summary, legs of a multisport activity one by one.

    Raises:
        UnreadableTrainingError: there is neither a list nor an object in it.
    """
    if not isinstance(content.json, list | Mapping):
        raise UnreadableTrainingError(content.name, "It is no JSON of Garmin's API.")
    return read_records(_summaries(content.json), _activity, content=content, reader=ID)


def _activity(record: Record) -> Activity | None:
    if record.says("isParent"):
        record.doubt("multisport-leg", _PARENT)
        return None
    record.take("id", id_of, "activityId")
    is_connects = record.known("id") is not None
    record.take("id", id_of, "summaryId")
    record.take("part_of", id_of, "parentSummaryId")
    record.take("started_at", moment_of_unix, "startTimeInSeconds")
    moment: datetime | None = record.known("started_at")
    path = "startTimeOffsetInSeconds"
    record.put("clock_at_start", clock_of(moment, offset_s=look_up(record.told, path)), path=path)
    record.take("distance_mm", mm_of, "distanceInMeters")
    record.take("duration_ms", ms_of, "durationInSeconds")
    record.take("ascent_m", ascent_of, "totalElevationGainInMeters")
    if record.says("manual"):
        record.mark_manual(path="manual")
    elif record.place.startswith(_LISTS[1]):
        # Typed in, or recorded and then edited by hand: either way the numbers are somebody's.
        record.mark_manual(path="")
    sport = sport_of_platform(record.text("activityType"))
    id_space = "garmin" if is_connects else "garmin-summary"
    device = record.text("deviceName")
    return record.activity(sport, id_space=id_space, device=None if device == _NO_DEVICE else device)


READER: Final = Reader(
    id=ID,
    title="Garmin Health and Activity API",
    media_types=("application/vnd.joint-risk.garmin-api+json",),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
