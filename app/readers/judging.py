"""What counts as a run, and what is doubtful about it: the same questions to every format."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from app.readers.activities import RUNNING, Activity
from app.readers.days import LocalDay
from app.readers.findings import FindingCode

NOBODY_FASTER: Final = ((3_000_000, 7.0), (1_000_000, 8.0), (0, 12.5))
"""From a distance in millimetres on, metres a second that nobody has run over it."""
WALKING_M_PER_S: Final = 1.4
"""Slower than twelve minutes a kilometre people walk, or run steep trails."""
WALKING_FROM_MM: Final = 1_000_000
UNNAMED_M_PER_S: Final = (1.9, 5.5)
"""The mean speed at which an activity of a sport that is not told counts as a run: 8:45 to 3:02 a kilometre."""
UNNAMED_MM: Final = (1_000_000, 100_000_000)
LEFT_RUNNING_M_PER_S: Final = 0.7
LEFT_RUNNING_FROM_MS: Final = 2 * 3_600_000
LONGEST_RUN_MS: Final = 100 * 3_600_000
"""The longest races take this long; what takes longer was not all running."""
EARLIEST_ON: Final = date(2000, 1, 1)


@dataclass(slots=True)
class Judged:
    """One activity with its day, whether it counts, and what is doubtful about it.

    Attributes:
        is_run: whether it counts among the runs of its week.
        doubts: codes, in no order.
    """

    activity: Activity
    day: date | None
    is_run: bool
    doubts: list[FindingCode] = field(default_factory=list)


def judge(activity: Activity, *, local: LocalDay, last_on: date) -> Judged:
    """Whether an activity counts as a run, with every doubt about it.

    Args:
        activity: without duplicates, as merged.
        local: its day.
        last_on: no activity can be later.
    """
    if activity.sport not in RUNNING and activity.sport != "unknown":
        return Judged(activity, local.day, is_run=False, doubts=["not-running"])
    judged = Judged(activity, local.day, is_run=True)
    if local.day is None or local.day < EARLIEST_ON:
        judged.doubts.append("no-timestamp")
        judged.is_run = False
    elif local.day > last_on:
        judged.doubts.append("in-the-future")
        judged.is_run = False
    elif local.known_by == "utc":
        judged.doubts.append("local-day-unsure")
    elif local.known_by == "longitude" and activity.started_at and local.day != activity.started_at.date():
        judged.doubts.append("local-day-from-longitude")
    _judge_numbers(judged)
    if activity.is_manual:
        judged.doubts.append("manual-entry")
    return judged


def _judge_numbers(judged: Judged) -> None:
    activity = judged.activity
    if _was_left_running(activity):
        judged.doubts.append("watch-left-running")
        activity = judged.activity = replace(activity, duration_ms=None)
    elif activity.duration_ms == 0:
        activity = judged.activity = replace(activity, duration_ms=None)  # nothing was timed, and nobody runs in none
    distance_mm, duration_ms = activity.distance_mm, activity.duration_ms
    speed = distance_mm / duration_ms if distance_mm and duration_ms else None
    if activity.sport == "unknown":
        counts = (
            speed is not None
            and UNNAMED_M_PER_S[0] <= speed <= UNNAMED_M_PER_S[1]
            and UNNAMED_MM[0] <= (distance_mm or 0) <= UNNAMED_MM[1]
        )
        judged.is_run = judged.is_run and counts
        judged.doubts.append("unknown-sport" if counts else "not-running")
        return
    if distance_mm is None:
        judged.doubts.append("missing-distance")
    if duration_ms is None and "watch-left-running" not in judged.doubts:
        judged.doubts.append("missing-duration")
    if speed is None or distance_mm is None:
        return
    if any(distance_mm >= from_mm and speed > most for from_mm, most in NOBODY_FASTER):
        judged.doubts.append("impossible-pace")
        judged.is_run = False
    elif speed < WALKING_M_PER_S and distance_mm >= WALKING_FROM_MM:
        judged.doubts.append("walking-pace")


def _was_left_running(activity: Activity) -> bool:
    distance_mm, duration_ms = activity.distance_mm, activity.duration_ms
    if duration_ms is None or activity.sport == "unknown":
        return False
    if duration_ms > LONGEST_RUN_MS:
        return True
    if duration_ms < LEFT_RUNNING_FROM_MS or not distance_mm:
        return False
    return distance_mm < LEFT_RUNNING_M_PER_S * duration_ms


def monday_of(day: date) -> date:
    """The first day of a calendar week.

    >>> monday_of(date(2026, 11, 26))
    datetime.date(2026, 11, 23)
    """
    return day - timedelta(days=day.weekday())
