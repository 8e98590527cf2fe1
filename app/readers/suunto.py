"""Suunto's cloud API: workouts, alone, in a list, in the `payload` of an answer or in a webhook.

The format is that of https://apizone.suunto.com (workout): `totalDistance` in metres, `totalTime` in seconds,
`startTime` in milliseconds since 1970, `timeOffsetInMinutes` east of UTC, `activityId` a number of Activities.pdf.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, Sport
from app.readers.content import Content
from app.readers.quantities import ascent_of, clock_of, mm_of, moment_of_unix, ms_of, number_of
from app.readers.records import Record, id_of, in_list, look_up, read_records

ID: Final = "suunto"
# Numbers of Suunto's Activities.pdf; every other number is some other sport.
_SPORTS: Final[dict[Sport, tuple[int, ...]]] = {
    "run": (1, 59, 95),
    "run_trail": (22, 115),
    "run_treadmill": (53,),
    "run_track": (103,),
    "walk": (0, 24),
    "hike": (11, 70, 83),
    "ride": (2, 10, 52, 99, 105, 106, 109, 114),
    "swim": (21, 85),
}
_SPORT_OF: Final[dict[int, Sport]] = {number: sport for sport, numbers in _SPORTS.items() for number in numbers}


def _workouts(told: object) -> list[tuple[str, object]]:
    if isinstance(told, Mapping):
        for name in ("payload", "workout"):
            if name in told:
                return in_list(told[name], place=name)
    return in_list(told)


def sniff(content: Content) -> bool:
    """Whether the first workout has Suunto's activity number, total time and start."""
    workouts = _workouts(content.json)
    first = workouts[0][1] if workouts else None
    return isinstance(first, Mapping) and {"activityId", "startTime", "totalTime"} <= first.keys()


def read(content: Content) -> Reading:
    """One activity a workout.

    Raises:
        UnreadableTrainingError: there is neither a list nor an object in it.
    """
    if not isinstance(content.json, list | Mapping):
        raise UnreadableTrainingError(content.name, "It is no JSON of Suunto's.")
    return read_records(_workouts(content.json), _activity, content=content, reader=ID)


def _activity(record: Record) -> Activity:
    record.take("id", id_of, "workoutKey", "workoutId")
    record.take("started_at", lambda told: moment_of_unix(told, unit_s=0.001), "startTime")
    moment: datetime | None = record.known("started_at")
    offset_min = look_up(record.told, "timeOffsetInMinutes")
    if isinstance(offset_min, int | float) and not isinstance(offset_min, bool):
        record.put("clock_at_start", clock_of(moment, offset_s=offset_min * 60), path="timeOffsetInMinutes")
    record.take("distance_mm", mm_of, "totalDistance")
    record.take("duration_ms", ms_of, "totalTime")
    record.put("elapsed_ms", _elapsed_ms(record), path="stopTime")
    record.take("ascent_m", ascent_of, "totalAscent")
    if record.says("isManuallyAdded") or record.says("manuallyAdded"):
        record.mark_manual(path="isManuallyAdded" if record.says("isManuallyAdded") else "manuallyAdded")
    device = record.text("gear.displayName", "gear.name")
    return record.activity(_sport(look_up(record.told, "activityId")), id_space="suunto", device=device)


def _elapsed_ms(record: Record) -> int | None:
    start, stop = number_of(look_up(record.told, "startTime")), number_of(look_up(record.told, "stopTime"))
    return None if start is None or stop is None else ms_of(stop - start, unit_s=0.001)


def _sport(told: object) -> Sport:
    if not isinstance(told, int) or isinstance(told, bool):
        return "unknown"
    return _SPORT_OF.get(told, "other")


READER: Final = Reader(
    id=ID,
    title="Suunto",
    media_types=("application/vnd.joint-risk.suunto+json",),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
