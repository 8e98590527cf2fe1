"""Records of platforms, read member by member: what is missing or makes no sense is left out, never the whole file.

A reader of a platform's JSON says which members are what; how they are looked up, bounded, remembered for the
provenance and counted when they are no use is here, alike for all of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.readers.activities import RUNNING, Activity, Origin, Reading, ReadingFinding, Sport
from app.readers.content import Content
from app.readers.findings import FindingCode
from app.readers.quantities import FIRST_YEAR, moment_of_text, number_of

ID_MOST: Final = 128
EFFORT_MOST: Final = 10.0
DEVICE_MOST: Final = 80
RECORDS_MOST: Final = 50_000
"""Three activities a day for forty-five years; more would not fit into a reading process."""
NO_RECORD: Final = "Entries of the list are no records."
_NOT_A_NUMBER: Final = "Numbers below zero, without end or beyond any activity were left out."


def id_of(told: object) -> str | None:
    """An id as text, whichever way the platform writes it; None for what is none.

    >>> id_of(99895560), id_of("i42"), id_of(1.5), id_of(True), id_of(""), id_of("x" * 129)
    ('99895560', 'i42', None, None, None, None)
    """
    if isinstance(told, int) and not isinstance(told, bool):
        told = str(told) if abs(told) < 10**30 else ""
    if not isinstance(told, str) or not 0 < len(told.strip()) <= ID_MOST or not told.isprintable():
        return None
    return told.strip()


def effort_of(told: object, *, scale: float = 1.0) -> float | None:
    """A session RPE on the CR10 scale; `scale` is what one point of the format is worth.

    >>> effort_of(7), effort_of(70, scale=0.1), effort_of(11), effort_of("7")
    (7.0, 7.0, None, None)
    """
    number = number_of(told)
    effort = None if number is None else number * scale
    return None if effort is None or effort > EFFORT_MOST else round(effort, 1)


def clock_of_text(told: object) -> datetime | None:
    """What a clock showed, as written; an offset or a 'Z' behind it is not looked at.

    >>> clock_of_text("2013-12-12T11:40:29Z")
    datetime.datetime(2013, 12, 12, 11, 40, 29)
    """
    moment = _in_our_days(moment_of_text(told))
    return None if moment is None else moment.replace(tzinfo=None)


def utc_of_text(told: object) -> datetime | None:
    """A moment of a format that means UTC where it writes no offset.

    >>> utc_of_text("2018-02-16T14:52:54"), utc_of_text("yesterday")
    (datetime.datetime(2018, 2, 16, 14, 52, 54, tzinfo=datetime.timezone.utc), None)
    """
    moment = _in_our_days(moment_of_text(told))
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _in_our_days(moment: datetime | None) -> datetime | None:
    """A moment that a platform can know of; it had no activity before 2000, and shifting year 1 by a zone overflows."""
    return moment if moment is not None and FIRST_YEAR <= moment.year < FIRST_YEAR + 100 else None


def clock_written(moment: datetime | None) -> datetime | None:
    """The runner's clock, where a moment is written with an offset other than UTC's; 'Z' says nothing of it.

    >>> clock_written(moment_of_text("2018-02-16T06:52:54-08:00"))
    datetime.datetime(2018, 2, 16, 6, 52, 54)
    >>> clock_written(moment_of_text("2018-02-16T14:52:54Z")) is None
    True
    """
    if moment is None or moment.tzinfo is None or not moment.utcoffset():
        return None
    return moment.replace(tzinfo=None)


def look_up(told: object, path: str) -> object:
    """The member at a dotted path; None where anything on the way is missing or no object.

    >>> look_up({"a": {"b": 3}}, "a.b"), look_up({"a": 3}, "a.b"), look_up([], "a")
    (3, None, None)
    """
    for name in path.split("."):
        if not isinstance(told, Mapping):
            return None
        told = told.get(name)
    return told


class Record:
    """One record of a platform, what was understood of it, and where in the file each of that stood.

    Attributes:
        told: the record as it came.
        place: where it stands in the file: `activities[3]`.
        findings: doubts that the reader has about it, by code and detail.
    """

    def __init__(self, told: Mapping[str, Any], *, content: Content, reader: str, place: str) -> None:
        self.told = told
        self.place = place
        self.findings: Counter[tuple[FindingCode, str]] = Counter()
        self._content = content
        self._reader = reader
        self._known: dict[str, Any] = {}
        self._provenance: dict[str, Origin] = {}

    def take(self, attribute: str, convert: Callable[[object], object | None], *paths: str) -> None:
        """Fill an attribute of the activity from the first path that makes sense; a number that makes none is counted.

        What is filled already stays, so the better source is asked for first.
        """
        for path in paths:
            told = look_up(self.told, path)
            if told is None or attribute in self._known:
                continue
            understood = convert(told)
            if understood is not None:
                self.put(attribute, understood, path=path)
            elif isinstance(told, int | float):
                self.doubt("unreadable-number", _NOT_A_NUMBER)

    def put(self, attribute: str, understood: object | None, *, path: str) -> None:
        """Fill an attribute that was worked out, "" being the record as a whole; None fills nothing."""
        if understood is None or attribute in self._known:
            return
        self._known[attribute] = understood
        place = ".".join(part for part in (self.place, path) if part)
        self._provenance[attribute] = Origin(self._content.name, self._reader, place)

    def mark_manual(self, *, path: str) -> None:
        """Say that somebody typed the record in, as a member tells."""
        is_manual = True
        self.put("is_manual", is_manual, path=path)

    def known(self, attribute: str) -> Any:
        """What was understood of an attribute so far; None: nothing."""
        return self._known.get(attribute)

    def text(self, *paths: str) -> str | None:
        """The first of the members that is text with something in it."""
        for path in paths:
            told = look_up(self.told, path)
            if isinstance(told, str) and told.strip():
                return told.strip()
        return None

    def says(self, path: str) -> bool:
        """Whether a member is `true`, and nothing that merely looks like it."""
        return look_up(self.told, path) is True

    def doubt(self, code: FindingCode, detail: str = "") -> None:
        """Count a doubt about this record."""
        self.findings[code, detail] += 1

    def activity(self, sport: Sport, *, id_space: str, device: str | None = None) -> Activity:
        """What was understood, as an activity; `id_space` counts only where there is an id.

        A run that took time and went 0 m was not measured (treadmills, mostly), so its distance is not known.
        """
        if sport in RUNNING and self.known("distance_mm") == 0 and (self.known("duration_ms") or 0) > 0:
            del self._known["distance_mm"], self._provenance["distance_mm"]
        return Activity(
            source=self._content.name,
            reader=self._reader,
            sport=sport,
            id_space=id_space if "id" in self._known else None,
            device=device[:DEVICE_MOST] if device and device.isprintable() else None,
            provenance=self._provenance,
            **self._known,
        )


def read_records(
    told: Iterable[tuple[str, object]],
    map_record: Callable[[Record], Activity | None],
    *,
    content: Content,
    reader: str,
) -> Reading:
    """Every record that can be mapped as an activity; what cannot is counted in findings.

    Args:
        told: place in the file and record, one after another.
        map_record: the reader's mapping; None for a record that is no activity of its own.
        content: the file.
        reader: id of the reader.
    """
    activities: list[Activity] = []
    doubts: Counter[tuple[FindingCode, str]] = Counter()
    for number, (place, one) in enumerate(told):
        if number == RECORDS_MOST:
            doubts["salvaged", f"Only the first {RECORDS_MOST} entries were read."] += 1
            break
        if not isinstance(one, Mapping):
            doubts["not-an-activity", NO_RECORD] += 1
            continue
        record = Record(one, content=content, reader=reader, place=place)
        activity = map_record(record)
        doubts.update(record.findings)
        if activity is not None:
            activities.append(activity)
    findings = [
        ReadingFinding(code, content.name, detail=detail, count=count) for (code, detail), count in doubts.items()
    ]
    return Reading(activities, findings)


def in_list(told: object, *, place: str = "") -> list[tuple[str, object]]:
    """A list's entries with their places, or the one object that stands for itself; empty for anything else.

    >>> in_list([{"id": 1}, 7], place="data"), in_list({"id": 1}), in_list("x")
    ([('data[0]', {'id': 1}), ('data[1]', 7)], [('', {'id': 1})], [])
    """
    if isinstance(told, list):
        return [(f"{place}[{number}]", one) for number, one in enumerate(told)]
    return [(place, told)] if isinstance(told, Mapping) else []
