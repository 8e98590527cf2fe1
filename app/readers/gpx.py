"""GPX 1.0 and 1.1: a track is an activity, its length the geodesic from point to point, its time that of moving.

GPX tells no distance and no moving time, so both are worked out: standing still for ten seconds or more is a pause, and
so is what lies between two segments. Tracks of one sport within a quarter of an hour of each other are one activity.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, ReadingFinding, Sport, origins
from app.readers.content import Content
from app.readers.guarded_xml import Attributes, walk_xml
from app.readers.quantities import FIRST_YEAR, clock_of, mm_of, moment_of_text, ms_of
from app.readers.sports import sport_of_title, sport_of_word
from app.readers.tracks import Track, solar_offset_h

ID: Final = "gpx"
JOIN_WITHIN_S: Final = 900.0
TRACKS_MOST: Final = 5_000
_POINT: Final = "trkpt"


@dataclass(slots=True)
class _Told:
    """One `trk` while it is being read."""

    type: str = ""
    name: str = ""
    track: Track = field(default_factory=Track)
    start: datetime | None = None
    has_wrong_clock: bool = False
    places: list[int] = field(default_factory=list)


class _Document:
    """Takes the elements of a GPX file one by one."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.creator = ""
        self.told: list[_Told] = []
        self.others = 0
        self.left_out = 0
        self._trk: _Told | None = None
        self._position: tuple[float, float] | None = None
        self._time = ""
        self._number = 0

    def start(self, name: str, attributes: Attributes) -> None:
        self.path.append(name)
        if name == _POINT and self._trk is not None:
            self._position = _position(attributes)
            self._time = ""
        elif name == "trk":
            self._trk = _Told(places=[self._number])
            self._number += 1
        elif name == "gpx":
            self.creator = attributes.get("creator", "")
        elif name in ("wpt", "rtept"):
            self.others += 1

    def end(self, name: str, text: str) -> None:
        if self.path:
            self.path.pop()
        trk = self._trk
        if trk is None:
            return
        above = self.path[-1] if self.path else ""
        if name == "time" and above == _POINT:
            self._time = text
        elif name == _POINT:
            self._take_point(trk)
        elif name == "trkseg":
            trk.track.end_segment()
        elif name == "trk":
            self.finish()
        elif above == "trk":
            if name == "type":
                trk.type = text
            elif name == "name":
                trk.name = text

    def finish(self) -> None:
        """Keeps the track that is open, also where the file breaks off."""
        if self._trk is None:
            return
        self._trk.track.finish()
        if len(self.told) < TRACKS_MOST:
            self.told.append(self._trk)
        else:
            self.left_out += 1
        self._trk = None

    def _take_point(self, trk: _Told) -> None:
        if self._position is None:
            return
        moment = moment_of_text(self._time) if self._time else None
        if moment is not None and not FIRST_YEAR <= moment.year < 2100:
            trk.has_wrong_clock = True
            moment = None
        at_s = None
        if moment is not None:
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            at_s = moment.timestamp()
            if trk.start is None:
                trk.start = moment
        trk.track.add(*self._position, at_s)
        self._position = None


def _position(attributes: Attributes) -> tuple[float, float] | None:
    try:
        lat, lon = float(attributes["lat"]), float(attributes["lon"])
    except (KeyError, ValueError):
        return None
    return (lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


def sniff(content: Content) -> bool:
    """Whether the first element is `gpx`, in whatever namespace or in none."""
    return content.xml_root == "gpx"


def read(content: Content) -> Reading:
    """One activity a track; waypoints and routes are none.

    Raises:
        UnreadableTrainingError: it is no XML from the start, has a DTD or is nested too deep.
    """
    document = _Document()
    damage = walk_xml(content, start=document.start, end=document.end)
    document.finish()
    told = [each for each in document.told if each.track.points]
    reading = Reading()
    if not told:
        if damage:
            raise UnreadableTrainingError(content.name, damage)
        detail = "It holds no track, only waypoints or routes." if document.others else "It holds no track."
        reading.findings.append(ReadingFinding("not-an-activity", content.name, detail=detail))
        return reading
    for each in _joined(told):
        place = len(reading.activities)
        reading.activities.append(_activity(each, content, document.creator))
        if each.start is None and each.has_wrong_clock:
            reading.findings.append(ReadingFinding("doubtful-clock", content.name, activity=place))
        if each.track.gaps:
            reading.findings.append(ReadingFinding("gap-in-log", content.name, activity=place, count=each.track.gaps))
    if damage:
        reading.findings.append(ReadingFinding("salvaged", content.name, activity=0, detail=damage))
    if document.left_out:
        detail = f"More than {TRACKS_MOST} tracks in one file; the rest was left out."
        reading.findings.append(ReadingFinding("salvaged", content.name, detail=detail, count=document.left_out))
    return reading


def _joined(told: list[_Told]) -> list[_Told]:
    """Tracks that follow on from each other as one: some devices begin a new track after each pause or lap."""
    joined: list[_Told] = []
    for each in told:
        last = joined[-1] if joined else None
        if last is not None and _follows(each, last):
            last.track.append(each.track)
            last.places += each.places
        else:
            joined.append(each)
    return joined


def _follows(each: _Told, last: _Told) -> bool:
    if _sport(each) != _sport(last):
        return False
    if each.track.first_s is None or last.track.last_s is None:
        return False
    return 0 <= each.track.first_s - last.track.last_s <= JOIN_WITHIN_S


def _sport(told: _Told) -> Sport:
    return sport_of_word(told.type) if told.type else sport_of_title(told.name)


def _activity(told: _Told, content: Content, creator: str) -> Activity:
    track = told.track
    place = f"trk[{told.places[0]}]" if len(told.places) == 1 else f"trk[{told.places[0]}..{told.places[-1]}]"
    start = told.start
    if start is not None and track.first_s is not None and track.first_s < start.timestamp():
        start = start + timedelta(seconds=track.first_s - start.timestamp())
    offset = start.utcoffset() if start is not None else None
    clock = clock_of(start, offset_s=offset.total_seconds()) if offset else None
    is_timed = track.timed_points == track.points
    seconds = track.moving_s if is_timed and track.moving_s else track.elapsed_s
    duration_ms = ms_of(seconds) if seconds else None
    sport = _sport(told)
    return Activity(
        source=content.name,
        reader=ID,
        sport=sport,
        device=creator[:80] or None,
        started_at=start,
        clock_at_start=clock,
        solar_offset_h=solar_offset_h(track.first_lon_deg),
        distance_mm=mm_of(track.distance_m),
        duration_ms=duration_ms,
        elapsed_ms=ms_of(track.elapsed_s),
        provenance=origins(
            content,
            ID,
            sport=f"{place}.type" if told.type else f"{place}.name" if sport != "unknown" else None,
            started_at=None if start is None else f"{place}.trkpt[0].time",
            clock_at_start=None if clock is None else f"{place}.trkpt[0].time",
            distance_mm=f"{place}.trkpt[].lat,lon",
            duration_ms=None if duration_ms is None else f"{place}.trkpt[].time",
        ),
    )


READER: Final = Reader(
    id=ID,
    title="GPX 1.0 and 1.1",
    media_types=("application/gpx+xml",),
    suffixes=(".gpx",),
    sniff=sniff,
    read=read,
)
