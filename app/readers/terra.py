"""Terra: activities, alone, in a list, or in the `data` of a webhook or an answer of type `activity`.

The format is that of https://docs.tryterra.co/reference (Activity): metres and seconds, ISO 8601 moments with the
runner's offset where the platform behind told it, the sport as a number of ActivityType.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, Sport
from app.readers.content import Content
from app.readers.quantities import ascent_of, mm_of, ms_of
from app.readers.records import Record, clock_of_text, clock_written, id_of, in_list, look_up, read_records, utc_of_text

ID: Final = "terra"
_MANUAL: Final = 2
_LOCAL: Final = 1
# Numbers of Terra's ActivityType.
_SPORTS: Final[dict[Sport, tuple[int, ...]]] = {
    "run": (8, 56, 57),
    "run_treadmill": (58, 88),
    "walk": (7, 93, 94, 95, 116),
    "hike": (35,),
    "ride": (1, 14, 15, 16, 17, 18, 19),
    "swim": (82, 83, 84),
    "unknown": (4,),
}
_SPORT_OF: Final[dict[int, Sport]] = {number: sport for sport, numbers in _SPORTS.items() for number in numbers}
_NUMBER_MOST: Final = 122
"""The last number known when this was written; what came later is unknown, not another sport."""


def _records(told: object) -> list[tuple[str, object]]:
    if isinstance(told, Mapping) and isinstance(told.get("data"), list):
        return in_list(told["data"], place="data") if told.get("type", "activity") == "activity" else []
    return in_list(told)


def sniff(content: Content) -> bool:
    """Whether the first record has the metadata of an activity; a day's totals have no type and no name."""
    records = _records(content.json)
    first = records[0][1] if records else None
    metadata = look_up(first, "metadata")
    if not isinstance(first, Mapping) or not isinstance(metadata, Mapping) or "start_time" not in metadata:
        return False
    is_activity = "type" in metadata or "name" in metadata or look_up(content.json, "type") == "activity"
    return is_activity and bool({"distance_data", "active_durations_data", "movement_data"} & first.keys())


def read(content: Content) -> Reading:
    """One activity a record.

    Raises:
        UnreadableTrainingError: there is neither a list nor an object in it.
    """
    if not isinstance(content.json, list | Mapping):
        raise UnreadableTrainingError(content.name, "It is no JSON of Terra's.")
    return read_records(_records(content.json), _activity, content=content, reader=ID)


def _activity(record: Record) -> Activity:
    record.take("id", id_of, "metadata.summary_id")
    _put_start(record)
    record.take("distance_mm", mm_of, "distance_data.summary.distance_meters", "distance_data.distance_meters")
    record.take("duration_ms", ms_of, "active_durations_data.activity_seconds")
    record.put("elapsed_ms", _elapsed_ms(record), path="metadata.end_time")
    record.put("duration_ms", record.known("elapsed_ms"), path="metadata.end_time")
    record.take("ascent_m", ascent_of, "distance_data.summary.elevation.gain_actual_meters")
    if look_up(record.told, "metadata.upload_type") == _MANUAL:
        record.mark_manual(path="metadata.upload_type")
    sport = _sport(look_up(record.told, "metadata.type"))
    return record.activity(sport, id_space="terra", device=record.text("device_data.name"))


def _put_start(record: Record) -> None:
    path = "metadata.start_time"
    told = record.text(path)
    moment: datetime | None = utc_of_text(told)
    written = clock_written(moment)
    if written is None and look_up(record.told, "metadata.timestamp_localization") == _LOCAL:
        # Local time under a made-up '+00:00': the clock is known, the moment is not.
        record.put("clock_at_start", clock_of_text(told), path=path)
        return
    record.put("started_at", moment, path=path)
    record.put("clock_at_start", written, path=path)


def _elapsed_ms(record: Record) -> int | None:
    start, end = utc_of_text(record.text("metadata.start_time")), utc_of_text(record.text("metadata.end_time"))
    return None if start is None or end is None else ms_of((end - start).total_seconds())


def _sport(told: object) -> Sport:
    if not isinstance(told, int) or isinstance(told, bool):
        return "unknown"
    return _SPORT_OF.get(told, "other" if 0 <= told <= _NUMBER_MOST else "unknown")


READER: Final = Reader(
    id=ID,
    title="Terra",
    media_types=("application/vnd.joint-risk.terra+json",),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
