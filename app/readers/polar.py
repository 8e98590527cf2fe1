"""Polar: exercises of AccessLink, and training sessions of the data takeout of Polar Flow.

AccessLink is documented at https://www.polar.com/accesslink-api (Exercise): metres, durations as `PT52M13S`, the start
as the runner's clock with the offset in minutes beside it. The takeout is not documented; what is known of it was
seen: durations as `PT3133S` and sports by name in the older, milliseconds and sports by number in the newer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, Sport
from app.readers.content import Content
from app.readers.platform_sports import sport_of_platform
from app.readers.quantities import ascent_of, clock_of, mm_of, ms_of, ms_of_text
from app.readers.records import Record, clock_of_text, id_of, in_list, look_up, read_records

ID: Final = "polar"
# Numbers of the sports as the newer takeout tells them; a number that is not here may be any sport.
_NUMBERS: Final[dict[Sport, tuple[int, ...]]] = {
    "run": (1, 4, 19),
    "run_trail": (27,),
    "run_treadmill": (17,),
    "walk": (3, 9),
    "hike": (11,),
    "ride": (2, 5, 18, 38),
    "swim": (23,),
    "other": (6, 7, 8, 10, 12, 13, 14, 15, 16, 20, 22, 24, 25, 28, 29, 30, 33, 34, 35, 39, 50, 83),
}
_SPORT_OF: Final[dict[str, Sport]] = {str(number): sport for sport, told in _NUMBERS.items() for number in told}
_SHARED: Final = ("identifier", "product", "deviceName")
_IS_LEG: Final = " leg"
_STARTS: Final = ("start-time", "start_time", "startTime")
_OFFSETS: Final = ("start-time-utc-offset", "start_time_utc_offset", "timezoneOffsetMinutes", "timezoneOffset")


def _legs(session: Mapping[str, object]) -> list[tuple[str, object]]:
    """A takeout's session as its exercises, each with what the session alone tells."""
    shared: dict[str, object] = {name: session[name] for name in (*_SHARED, *_OFFSETS) if name in session}
    exercises = in_list(session["exercises"], place="exercises")
    if len(exercises) > 1:
        shared[_IS_LEG] = True
    return [(place, {**shared, **one} if isinstance(one, Mapping) else one) for place, one in exercises]


def _exercises(told: object) -> list[tuple[str, object]]:
    entries: list[tuple[str, object]] = []
    for place, one in in_list(told):
        if isinstance(one, Mapping) and isinstance(one.get("exercises"), list):
            entries += [(f"{place}.{leg}".lstrip("."), told_leg) for leg, told_leg in _legs(one)]
        else:
            entries.append((place, one))
    return entries


def _is_exercise(told: object) -> bool:
    if not isinstance(told, Mapping) or not any(name in told for name in _STARTS):
        return False
    if "start-time" in told or "start_time_utc_offset" in told or "detailed_sport_info" in told:
        return "duration" in told
    return "startTime" in told and bool({"durationMillis", "duration"} & told.keys()) and "sport" in told


def sniff(content: Content) -> bool:
    """Whether the first exercise has Polar's start, duration and sport."""
    exercises = _exercises(content.json)
    return bool(exercises) and _is_exercise(exercises[0][1])


def read(content: Content) -> Reading:
    """One activity an exercise; a multisport session of the takeout is several.

    Raises:
        UnreadableTrainingError: there is neither a list nor an object in it.
    """
    if not isinstance(content.json, list | Mapping):
        raise UnreadableTrainingError(content.name, "It is no JSON of Polar's.")
    return read_records(_exercises(content.json), _activity, content=content, reader=ID)


def _activity(record: Record) -> Activity:
    record.take("part_of" if record.says(_IS_LEG) else "id", id_of, "id", "identifier.id")
    record.take("clock_at_start", clock_of_text, *_STARTS)
    _put_moment(record)
    record.take("distance_mm", mm_of, "distance", "distanceMeters")
    record.take("duration_ms", ms_of_text, "duration")
    record.take("duration_ms", lambda told: ms_of(told, unit_s=0.001), "durationMillis")
    record.take("ascent_m", ascent_of, "ascent", "ascentMeters")
    device = record.text("device", "product.modelName", "deviceName")
    return record.activity(_sport(record), id_space="polar", device=device)


def _put_moment(record: Record) -> None:
    """The moment, from the runner's clock and the offset in minutes."""
    clock: datetime | None = record.known("clock_at_start")
    for path in _OFFSETS:
        offset_min = look_up(record.told, path)
        if clock is None or isinstance(offset_min, bool) or not isinstance(offset_min, int | float):
            continue
        if clock_of(clock.replace(tzinfo=UTC), offset_s=offset_min * 60) is not None:
            record.put("started_at", clock.replace(tzinfo=UTC) - timedelta(minutes=offset_min), path=path)


def _sport(record: Record) -> Sport:
    number = id_of(look_up(record.told, "sport.id"))
    if number is not None:
        return _SPORT_OF.get(number, "unknown")
    detailed = sport_of_platform(record.text("detailed-sport-info", "detailed_sport_info"))
    return sport_of_platform(record.text("sport")) if detailed in ("unknown", "other") else detailed


READER: Final = Reader(
    id=ID,
    title="Polar AccessLink and Flow takeout",
    media_types=("application/vnd.joint-risk.polar+json",),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
