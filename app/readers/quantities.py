"""Numbers and moments of foreign formats in our units: whole millimetres, whole milliseconds, aware moments.

Everything answers None for what is no such quantity (text, NaN, below zero, beyond any activity), so that a mapping
can be written straight down.
"""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

DISTANCE_MOST_MM: Final = 1_000_000_000
"""1,000 km, as much as a session may have."""
DURATION_MOST_MS: Final = 864_000_000
"""Ten days, as much as a session may have."""
ASCENT_MOST_M: Final = 30_000.0
FIRST_YEAR: Final = 2000

_ISO_DURATION: Final = re.compile(
    r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,7})M)?(?:(\d{1,9}(?:[.,]\d{1,9})?)S)?)?", re.IGNORECASE
)
_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,6}))?")
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*"
    r"(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?",
    re.IGNORECASE,
)


def number_of(told: object) -> float | None:
    """A finite number that is not below zero; a bool or text is none.

    >>> number_of(3), number_of(-1), number_of(True), number_of("3"), number_of(float("nan"))
    (3.0, None, None, None, None)
    """
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        number = float(told)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def mm_of(told: object, *, unit_m: float = 1.0) -> int | None:
    """A distance in whole millimetres, half to even; `unit_m` is the length of one unit of the format.

    >>> mm_of(5781.1), mm_of(578110, unit_m=0.01), mm_of(2_000_000), mm_of("5")
    (5781100, 5781100, None, None)
    """
    number = number_of(told)
    if number is None or number > DISTANCE_MOST_MM:
        return None
    mm = round(number * (unit_m * 1000))
    return mm if mm <= DISTANCE_MOST_MM else None


def ms_of(told: object, *, unit_s: float = 1.0) -> int | None:
    """A duration in whole milliseconds, half to even; `unit_s` is the length of one unit of the format.

    >>> ms_of(3000), ms_of(1234.5, unit_s=0.001), ms_of(True), ms_of(1e9)
    (3000000, 1234, None, None)
    """
    number = number_of(told)
    if number is None or number > DURATION_MOST_MS:
        return None
    ms = round(number * (unit_s * 1000))
    return ms if ms <= DURATION_MOST_MS else None


def ascent_of(told: object) -> float | None:
    """A climb in metres, to a decimetre; None where nobody climbs that much.

    >>> ascent_of(60.04), ascent_of(-1)
    (60.0, None)
    """
    number = number_of(told)
    return None if number is None or number > ASCENT_MOST_M else round(number, 1)


def ms_of_text(told: object) -> int | None:
    """A duration written as `PT52M13S`, `1:02:03`, `52:13` or `52:13.5`, in milliseconds.

    >>> ms_of_text("PT52M13S"), ms_of_text("1:02:03"), ms_of_text("52:13.5"), ms_of_text("--"), ms_of_text("P")
    (3133000, 3723000, 3133500, None, None)
    """
    if not isinstance(told, str) or len(told) > 40:
        return None
    text = told.strip()
    iso = _ISO_DURATION.fullmatch(text)
    if iso is not None:
        if not any(iso.groups()):
            return None
        days, hours, minutes = (int(part or 0) for part in iso.groups()[:3])
        seconds = float((iso[4] or "0").replace(",", "."))
        return ms_of(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return None
    hours, minutes, whole = (int(part or 0) for part in clock.groups()[:3])
    return ms_of(hours * 3_600 + minutes * 60 + whole + float(f"0.{clock[4] or 0}"))


def moment_of_text(told: object) -> datetime | None:
    """A moment as ISO 8601 or nearly so; naive where no offset is written.

    >>> moment_of_text("2018-02-16T14:52:54Z")
    datetime.datetime(2018, 2, 16, 14, 52, 54, tzinfo=datetime.timezone.utc)
    >>> moment_of_text("2018-02-16 06:52:54.5-08:00").utcoffset()
    datetime.timedelta(days=-1, seconds=57600)
    >>> moment_of_text("2018-02-16T06:52").tzinfo is None, moment_of_text("16/02/2018"), moment_of_text(7)
    (True, None, None)
    """
    if not isinstance(told, str) or len(told) > 48:
        return None
    found = _MOMENT.fullmatch(told.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    zone = _offset_of(found[8])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        return moment.replace(microsecond=int(f"{found[7] or 0:0<6}"[:6]))
    except ValueError:
        return None


def _offset_of(told: str | None) -> timezone | None:
    if told is None:
        return None
    if told.upper() in ("Z", "UTC"):
        return UTC
    digits = told[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes >= 24 * 60:
        return UTC
    return timezone(timedelta(minutes=-minutes if told[0] == "-" else minutes))


def moment_of_unix(told: object, *, unit_s: float = 1.0) -> datetime | None:
    """A moment as seconds (or `unit_s`) since 1970, in UTC; None before 2000 or after 2100.

    >>> moment_of_unix(1518792774), moment_of_unix(1518792774000, unit_s=0.001).year, moment_of_unix(0)
    (datetime.datetime(2018, 2, 16, 14, 52, 54, tzinfo=datetime.timezone.utc), 2018, None)
    """
    number = number_of(told)
    if number is None or not 946_684_800 <= number * unit_s < 4_102_444_800:
        return None
    return datetime.fromtimestamp(number * unit_s, tz=UTC)


def clock_of(moment: datetime | None, *, offset_s: object) -> datetime | None:
    """What a clock at an offset from UTC (seconds east) shows at a moment; None where either is unknown.

    >>> clock_of(moment_of_text("2018-02-16T14:52:54Z"), offset_s=-28_800)
    datetime.datetime(2018, 2, 16, 6, 52, 54)
    """
    if moment is None or isinstance(offset_s, bool) or not isinstance(offset_s, int | float):
        return None
    if not math.isfinite(offset_s) or abs(offset_s) > 15 * 3_600 or not FIRST_YEAR <= moment.year < 2100:
        return None
    return (moment.astimezone(UTC) + timedelta(seconds=offset_s)).replace(tzinfo=None)
