"""Open Wearables: workouts of its unified API, alone, in a list, or in the `data` of a page or of a webhook.

The format is that of https://docs.openwearables.io (GET /users/{id}/events/workouts): metres and seconds, ISO 8601
moments with the runner's `zone_offset` beside them, `source` naming the platform and the device behind.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading
from app.readers.content import Content
from app.readers.platform_sports import sport_of_platform
from app.readers.quantities import ascent_of, clock_of, mm_of, moment_of_text, ms_of
from app.readers.records import Record, clock_written, id_of, in_list, read_records, utc_of_text

ID: Final = "open-wearables"
_ZONE: Final = ("zone_offset", "start_zone_offset")


def _workouts(told: object) -> list[tuple[str, object]]:
    if isinstance(told, Mapping) and "data" in told:
        return in_list(told["data"], place="data")
    return in_list(told)


def sniff(content: Content) -> bool:
    """Whether the first workout has a type, both its ends and a source that names a provider."""
    workouts = _workouts(content.json)
    first = workouts[0][1] if workouts else None
    if not isinstance(first, Mapping) or not {"type", "start_time", "end_time", "source"} <= first.keys():
        return False
    return isinstance(first["type"], str) and isinstance(first["source"], Mapping) and "provider" in first["source"]


def read(content: Content) -> Reading:
    """One activity a workout.

    Raises:
        UnreadableTrainingError: there is neither a list nor an object in it.
    """
    if not isinstance(content.json, list | Mapping):
        raise UnreadableTrainingError(content.name, "It is no JSON of Open Wearables.")
    return read_records(_workouts(content.json), _activity, content=content, reader=ID)


def _activity(record: Record) -> Activity:
    record.take("id", id_of, "id")
    record.take("started_at", utc_of_text, "start_time")
    moment: datetime | None = record.known("started_at")
    record.put("clock_at_start", clock_written(moment), path="start_time")
    for path in _ZONE:
        record.put("clock_at_start", clock_of(moment, offset_s=_offset_s(record.text(path))), path=path)
    record.take("distance_mm", mm_of, "distance_meters")
    record.take("duration_ms", ms_of, "duration_seconds")
    record.put("elapsed_ms", _elapsed_ms(record), path="end_time")
    record.put("duration_ms", record.known("elapsed_ms"), path="end_time")
    record.take("ascent_m", ascent_of, "elevation_gain_meters")
    device = record.text("source.device", "source.device_name", "source.device_model")
    return record.activity(sport_of_platform(record.text("type")), id_space="open-wearables", device=device)


def _elapsed_ms(record: Record) -> int | None:
    start, end = utc_of_text(record.text("start_time")), utc_of_text(record.text("end_time"))
    return None if start is None or end is None else ms_of((end - start).total_seconds())


def _offset_s(told: str | None) -> float | None:
    """Seconds east of UTC of `+02:00`."""
    probe = moment_of_text(f"2000-01-01T00:00:00{told}") if told else None
    offset = probe.utcoffset() if probe is not None else None
    return None if offset is None else offset.total_seconds()


READER: Final = Reader(
    id=ID,
    title="Open Wearables",
    media_types=("application/vnd.joint-risk.open-wearables+json",),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
