"""On which day of the runner an activity was: by the clock that was told, a zone that was given, or the sun.

A start that is known in UTC alone is on another day in a good part of the world: an evening in California is the next
morning in Greenwich. Where the track says how far east it was, the clock there is within an hour behind and three ahead
of the sun; if the day is the same throughout, it is known.
"""

from datetime import UTC, date, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from app.readers.activities import Activity

CLOCKS_TO_SUN_H: Final = (-1, 0, 1, 2, 3)
"""Hours that the clocks of the world run ahead of the sun: one behind in Maine, three ahead in western China."""
_LIKELY_H: Final = 0


class LocalDay(NamedTuple):
    """A day, and how it is known.

    Attributes:
        day: None where nothing tells.
        known_by: `clock` (told by the file, or in a zone that was given), `longitude`, or `utc` (a guess).
    """

    day: date | None
    known_by: Literal["clock", "longitude", "utc"]


def derive_day(activity: Activity, *, zone: ZoneInfo | None) -> LocalDay:
    """The runner's local date of the start."""
    if activity.clock_at_start is not None:
        return LocalDay(activity.clock_at_start.date(), "clock")
    if activity.started_on is not None:
        return LocalDay(activity.started_on, "clock")
    moment = activity.started_at
    if moment is None:
        return LocalDay(None, "utc")
    if zone is not None:
        return LocalDay(moment.astimezone(zone).date(), "clock")
    in_utc = moment.astimezone(UTC)
    if activity.solar_offset_h is None:
        return LocalDay(in_utc.date(), "utc")
    days = {(in_utc + timedelta(hours=activity.solar_offset_h + ahead)).date() for ahead in CLOCKS_TO_SUN_H}
    if len(days) == 1:
        return LocalDay(days.pop(), "longitude")
    return LocalDay((in_utc + timedelta(hours=activity.solar_offset_h + _LIKELY_H)).date(), "utc")
