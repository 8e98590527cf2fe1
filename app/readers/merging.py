"""The same activity from two files or two devices counts once, and the one that is kept says what it took from others.

Two activities are one where

- the same platform gives both the same id, or
- they are of one kind, start within five minutes of each other, and their distances differ by no more than 5 %, or by
  150 m: two devices are started one after the other, and measure a way within a few per cent of each other; nobody runs
  the same distance twice within five minutes; or
- one start is known in UTC alone and the other by the runner's clock alone, and they lie a time zone apart (a multiple
  of a quarter of an hour, up to 14 hours) give or take a minute, with distance and duration within 1 %: a zone that is
  not known leaves a hundred moments to coincide at, so that the rest has to fit much more closely.

Of date-only activities nothing tells whether two alike are one; both count, with a finding.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from app.readers.activities import RUNNING, Activity

START_WITHIN_S: Final = 300.0
DISTANCE_SHARE: Final = 0.05
DISTANCE_MM: Final = 150_000
ZONE_STEP_S: Final = 900
ZONE_MOST_S: Final = 14 * 3_600
ZONE_WITHIN_S: Final = 60.0
CLOSE_SHARE: Final = 0.01
COMPARED_MOST: Final = 200
"""How many neighbours in time an activity is held against; nobody has as many in a day."""

_FILLED_IN: Final = ("distance_mm", "duration_ms", "elapsed_ms", "ascent_m", "effort", "device")
_WIDEST_S: Final = ZONE_MOST_S + START_WITHIN_S


@dataclass(slots=True)
class Merged:
    """One activity, and the places of those that are the same one."""

    activity: Activity
    place: int
    twins: list[int] = field(default_factory=list)


def rank(activity: Activity) -> tuple[int, int]:
    """The lower, the rather kept: by format, and by how much of it is known.

    The device's own file comes first, then what was made of it, then what a platform tells, and GPX last, which tells
    neither distance nor time.
    """
    order = {"fit": 0, "tcx": 1, "gpx": 3}.get(activity.reader, 2)
    known = sum(getattr(activity, name) is not None for name in (*_FILLED_IN, "clock_at_start"))
    return order, -known


def merge(activities: list[Activity]) -> list[Merged]:
    """The activities without their duplicates, in the order given; what the kept one lacks is taken from its twins."""
    kept: list[Merged] = []
    ids: dict[tuple[str, str, bool], Merged] = {}
    by_time: list[tuple[float, Merged]] = []
    for place in sorted(
        range(len(activities)), key=lambda place: (_sort_s(activities[place]), *rank(activities[place]))
    ):
        activity = activities[place]
        same = _same_id(activity, ids) or _same_start(activity, by_time)
        if same is None:
            same = Merged(activity, place)
            kept.append(same)
            by_time.append((_sort_s(activity), same))
        else:
            _join(same, activity, place)
        if activity.id is not None and activity.id_space is not None:
            ids.setdefault((activity.id_space, activity.id, activity.part_of is not None), same)
    return sorted(kept, key=lambda merged: merged.place)


def _join(same: Merged, activity: Activity, place: int) -> None:
    if rank(activity) < rank(same.activity):
        activity, same.activity = same.activity, activity
        same.twins.append(same.place)
        same.place = place
    else:
        same.twins.append(place)
    same.activity = _filled_in(same.activity, activity)


def _filled_in(kept: Activity, other: Activity) -> Activity:
    """The kept one with what only the other tells; a clock comes with the moment that it belongs to."""
    missing = [name for name in _FILLED_IN if getattr(kept, name) is None and getattr(other, name) is not None]
    if kept.clock_at_start is None and other.clock_at_start is not None:
        missing.append("clock_at_start")
    if kept.started_at is None and other.started_at is not None:
        missing.append("started_at")
    if kept.solar_offset_h is None and other.solar_offset_h is not None:
        missing.append("solar_offset_h")
    if (kept.sport == "unknown" and other.sport != "unknown") or (kept.sport == "run" and other.sport in RUNNING):
        missing.append("sport")
    if not missing:
        return kept
    provenance = {**kept.provenance, **{name: other.provenance[name] for name in missing if name in other.provenance}}
    return replace(kept, provenance=provenance, **{name: getattr(other, name) for name in missing})


def _same_id(activity: Activity, ids: dict[tuple[str, str, bool], Merged]) -> Merged | None:
    if activity.id is None or activity.id_space is None:
        return None
    return ids.get((activity.id_space, activity.id, activity.part_of is not None))


def _sort_s(activity: Activity) -> float:
    """A moment to sort by; a runner's clock is taken for one in UTC, and is then at most a zone away."""
    moment = activity.started_at or activity.clock_at_start
    if moment is None:
        return float("inf")
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _same_start(activity: Activity, by_time: list[tuple[float, Merged]]) -> Merged | None:
    at_s = _sort_s(activity)
    if at_s == float("inf"):
        return None
    for compared, (other_s, merged) in enumerate(reversed(by_time)):
        if at_s - other_s > _WIDEST_S or compared >= COMPARED_MOST:
            return None
        if are_one(activity, merged.activity):
            return merged
    return None


def are_one(one: Activity, other: Activity) -> bool:
    """Whether two activities are the same by start, distance and kind."""
    if not _are_of_one_kind(one, other):
        return False
    apart_s = _apart_s(one, other)
    if apart_s is not None:
        if abs(apart_s) > START_WITHIN_S:
            return False
        if one.distance_mm is None or other.distance_mm is None:
            return abs(apart_s) <= ZONE_WITHIN_S or _within(one.duration_ms, other.duration_ms, DISTANCE_SHARE)
        return _are_close(one.distance_mm, other.distance_mm)
    return (
        _are_a_zone_apart(one, other)
        and _within(one.distance_mm, other.distance_mm, CLOSE_SHARE)
        # A form that knows elapsed time alone told it as the run's time.
        and (
            _within(one.duration_ms, other.duration_ms, CLOSE_SHARE)
            or _within(one.elapsed_ms, other.elapsed_ms, CLOSE_SHARE)
        )
    )


def _are_of_one_kind(one: Activity, other: Activity) -> bool:
    kinds = {"run" if each.sport in RUNNING else each.sport for each in (one, other)} - {"unknown"}
    return len(kinds) <= 1


def _apart_s(one: Activity, other: Activity) -> float | None:
    """Seconds between two starts; None where one is known as a moment alone and the other by the clock alone."""
    if one.started_at is not None and other.started_at is not None:
        return (one.started_at - other.started_at).total_seconds()
    if one.clock_at_start is not None and other.clock_at_start is not None:
        return (one.clock_at_start - other.clock_at_start).total_seconds()
    return None


def _are_a_zone_apart(one: Activity, other: Activity) -> bool:
    moment = one.started_at or other.started_at
    clock = one.clock_at_start if one.started_at is None else other.clock_at_start
    if moment is None or clock is None:
        return False
    offset_s = (clock.replace(tzinfo=UTC) - moment).total_seconds()
    return abs(offset_s) <= ZONE_MOST_S and abs(offset_s - round(offset_s / ZONE_STEP_S) * ZONE_STEP_S) <= ZONE_WITHIN_S


def _are_close(one_mm: int, other_mm: int) -> bool:
    return abs(one_mm - other_mm) <= max(DISTANCE_MM, DISTANCE_SHARE * max(one_mm, other_mm)) and (
        min(one_mm, other_mm) * 2 >= max(one_mm, other_mm)
    )


def _within(one: int | None, other: int | None, share: float) -> bool:
    return one is not None and other is not None and abs(one - other) <= share * max(one, other)


def find_date_only_twins(activities: Iterable[Activity], day_of: Callable[[Activity], object]) -> list[Activity]:
    """Activities alike in day, distance and duration of which one has no time of day; both count."""
    seen: dict[object, Activity] = {}
    twins = []
    for activity in activities:
        if activity.distance_mm is None:
            continue
        alike = (day_of(activity), activity.distance_mm // 100_000)
        before = seen.setdefault(alike, activity)
        if before is not activity and not (_has_time(before) and _has_time(activity)):
            twins.append(activity)
    return twins


def _has_time(activity: Activity) -> bool:
    moment: datetime | None = activity.started_at or activity.clock_at_start
    return moment is not None
