"""TCX: laps make an activity; what its track points tell fills in for them and is held against them.

Distance is the sum of the laps. Where the points' running total goes further, a lap is missing from the file, and the
total counts; where it stops short, the recording broke off, and the laps count. Time is the laps' time.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, ReadingFinding, Sport, origins
from app.readers.content import Content
from app.readers.guarded_xml import Attributes, walk_xml
from app.readers.quantities import FIRST_YEAR, clock_of, mm_of, moment_of_text, ms_of
from app.readers.sports import sport_of_word
from app.readers.tracks import Track, solar_offset_h

ID: Final = "tcx"
ACTIVITIES_MOST: Final = 5_000
DISAGREE_SHARE: Final = 0.05
DISAGREE_M: Final = 100.0
RUN_FASTEST_M_PER_S: Final = 7.0


@dataclass(slots=True)
class _Told:
    """One `Activity` while it is being read."""

    number: int
    sport: str
    whole: int | None
    start_text: str = ""
    laps: int = 0
    lapped_m: float = 0.0
    lapped_s: float = 0.0
    recorded_m: float = 0.0
    last_total_m: float | None = None
    device: str = ""
    track: Track = field(default_factory=Track)
    first_point: str = ""
    first_s: float | None = None
    last_s: float | None = None
    lap_start: str = ""


class _Document:
    """Takes the elements of a TCX file one by one."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.told: list[_Told] = []
        self.others = 0
        self.wholes: dict[int, int] = {}
        self.left_out = 0
        self._number = 0
        self._whole: int | None = None
        self._open: _Told | None = None
        self._point: dict[str, str] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        self.path.append(name)
        if name == "Activity":
            self._open = _Told(self._number, attributes.get("Sport", ""), self._whole)
            self._number += 1
        elif name == "MultiSportSession":
            self._whole = len(self.wholes)
            self.wholes[self._whole] = 0
        elif name in ("Course", "Workout"):
            self.others += 1
        elif self._open is None:
            return
        elif name == "Lap":
            self._open.laps += 1
            self._open.lap_start = self._open.lap_start or attributes.get("StartTime", "")
            self._open.track.end_segment()
        elif name == "Trackpoint":
            self._point = {}

    def end(self, name: str, text: str) -> None:
        if self.path:
            self.path.pop()
        if name == "MultiSportSession":
            self._whole = None
        told = self._open
        if told is None:
            return
        above = self.path[-1] if self.path else ""
        if name == "Trackpoint":
            self._take_point(told)
        elif name == "Track":
            told.track.end_segment()
        elif above in ("Trackpoint", "Position"):
            self._point[name] = text
        elif name == "Activity":
            self.finish()
        else:
            _take_field(told, f"{above}/{name}", text)

    def finish(self) -> None:
        """Keeps the activity that is open, also where the file breaks off."""
        told, self._open = self._open, None
        if told is None or not (told.laps or told.track.points):
            return
        told.track.finish()
        if told.whole is not None:
            self.wholes[told.whole] += 1
        if len(self.told) < ACTIVITIES_MOST:
            self.told.append(told)
        else:
            self.left_out += 1

    def _take_point(self, told: _Told) -> None:
        text = self._point.get("Time", "")
        told.first_point = told.first_point or text
        moment = _moment(text)
        at_s = None if moment is None else moment.timestamp()
        if at_s is not None:
            told.first_s = at_s if told.first_s is None else told.first_s
            told.last_s = at_s
        total_m = _number(self._point.get("DistanceMeters", ""))
        if total_m is not None:
            before_m = told.last_total_m
            # A total that starts anew is a new count, so what was counted before it is kept.
            if before_m is not None:
                told.recorded_m += total_m - before_m if total_m >= before_m else total_m
            told.last_total_m = total_m
        lat, lon = (_coordinate(self._point.get(f"{way}Degrees", "")) for way in ("Latitude", "Longitude"))
        if lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180:
            told.track.add(lat, lon, at_s)


def _take_field(told: _Told, place: str, text: str) -> None:
    if place == "Lap/DistanceMeters":
        told.lapped_m += _number(text) or 0.0
    elif place == "Lap/TotalTimeSeconds":
        told.lapped_s += _number(text) or 0.0
    elif place == "Activity/Id":
        told.start_text = text
    elif place == "Creator/Name":
        told.device = text


def _number(text: str) -> float | None:
    number = _coordinate(text)
    return number if number is not None and number >= 0 else None


def _coordinate(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None


def _moment(text: str) -> datetime | None:
    moment = moment_of_text(text)
    if moment is None or not FIRST_YEAR <= moment.year < 2100:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def sniff(content: Content) -> bool:
    """Whether the first element is `TrainingCenterDatabase`, in whatever namespace or in none."""
    return content.xml_root == "trainingcenterdatabase"


def read(content: Content) -> Reading:
    """One activity an `Activity`; courses and workouts are none.

    Raises:
        UnreadableTrainingError: it is no XML from the start, has a DTD or is nested too deep.
    """
    document = _Document()
    damage = walk_xml(content, start=document.start, end=document.end)
    document.finish()
    reading = Reading()
    if not document.told:
        if damage:
            raise UnreadableTrainingError(content.name, damage)
        detail = "It holds courses or workouts only." if document.others else "It holds no activity."
        reading.findings.append(ReadingFinding("not-an-activity", content.name, detail=detail))
        return reading
    for told in document.told:
        place = len(reading.activities)
        activity, is_disputed = _activity(told, content)
        reading.activities.append(activity)
        if is_disputed:
            reading.findings.append(ReadingFinding("distance-disagrees", content.name, activity=place))
        if activity.started_at is None and (told.start_text or told.first_point):
            reading.findings.append(ReadingFinding("doubtful-clock", content.name, activity=place))
        if told.track.gaps:
            reading.findings.append(ReadingFinding("gap-in-log", content.name, activity=place, count=told.track.gaps))
    for legs in document.wholes.values():
        if legs > 1:
            reading.findings.append(ReadingFinding("multisport-leg", content.name, count=legs))
    if damage:
        reading.findings.append(ReadingFinding("salvaged", content.name, activity=0, detail=damage))
    if document.left_out:
        detail = f"More than {ACTIVITIES_MOST} activities in one file; the rest was left out."
        reading.findings.append(ReadingFinding("salvaged", content.name, detail=detail, count=document.left_out))
    return reading


def _activity(told: _Told, content: Content) -> tuple[Activity, bool]:
    place = f"Activity[{told.number}]"
    sport: Sport = sport_of_word(told.sport)
    metres, field_m, is_disputed = _derive_distance(told, sport)
    seconds, field_s = _derive_seconds(told, field_m)
    starts = [("Id", told.start_text), ("Lap[0].StartTime", told.lap_start), ("Track[0].Time", told.first_point)]
    field_at, moment = next(((name, at) for name, text in starts if (at := _moment(text)) is not None), ("", None))
    offset = moment.utcoffset() if moment is not None else None
    clock = clock_of(moment, offset_s=offset.total_seconds()) if offset else None
    activity = Activity(
        source=content.name,
        reader=ID,
        sport=sport,
        device=told.device[:80] or None,
        started_at=moment,
        clock_at_start=clock,
        solar_offset_h=solar_offset_h(told.track.first_lon_deg),
        distance_mm=mm_of(metres),
        duration_ms=ms_of(seconds),
        elapsed_ms=ms_of(_elapsed_s(told)),
        part_of=None if told.whole is None else f"tcx-{told.whole}",
        provenance=origins(
            content,
            ID,
            sport=f"{place}.Sport" if told.sport else None,
            started_at=f"{place}.{field_at}" if field_at else None,
            clock_at_start=None if clock is None else f"{place}.{field_at}",
            distance_mm=f"{place}.{field_m}" if field_m else None,
            duration_ms=f"{place}.{field_s}" if field_s else None,
        ),
    )
    return activity, is_disputed


def _elapsed_s(told: _Told) -> float | None:
    return None if told.first_s is None or told.last_s is None else max(told.last_s - told.first_s, 0.0)


def _derive_distance(told: _Told, sport: Sport) -> tuple[float | None, str, bool]:
    """Metres, the field that told them, and whether another field tells another number."""
    lapped_m, recorded_m = told.lapped_m, told.recorded_m
    if not lapped_m and not recorded_m:
        track_m = told.track.distance_m
        return (track_m, "Track[].Position", False) if track_m else (None, "", False)
    if not lapped_m:
        return recorded_m, "Track[].DistanceMeters", False
    apart_m = abs(lapped_m - recorded_m)
    if not recorded_m or apart_m <= max(DISAGREE_M, DISAGREE_SHARE * max(lapped_m, recorded_m)):
        return lapped_m, "Lap[].DistanceMeters", False
    time_s = max(told.lapped_s, _elapsed_s(told) or 0.0)
    if recorded_m > lapped_m and (not sport.startswith("run") or recorded_m <= RUN_FASTEST_M_PER_S * time_s):
        return recorded_m, "Track[].DistanceMeters", True
    return lapped_m, "Lap[].DistanceMeters", True


def _derive_seconds(told: _Told, field_m: str) -> tuple[float | None, str]:
    """Seconds, and the field that told them: the laps, unless a lap is missing or tells none."""
    is_lap_missing = field_m == "Track[].DistanceMeters" and told.lapped_m > 0
    if told.lapped_s and not is_lap_missing:
        return told.lapped_s, "Lap[].TotalTimeSeconds"
    moving_s = told.track.moving_s or _elapsed_s(told)
    if moving_s and moving_s > told.lapped_s:
        return moving_s, "Track[].Time"
    return (told.lapped_s, "Lap[].TotalTimeSeconds") if told.lapped_s else (None, "")


READER: Final = Reader(
    id=ID,
    title="TCX",
    media_types=("application/vnd.garmin.tcx+xml",),
    suffixes=(".tcx",),
    sniff=sniff,
    read=read,
)
