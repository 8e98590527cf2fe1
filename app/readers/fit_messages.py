"""What a FIT file says, message by message, as far as the decoder gets: sessions, laps, records, the local clock.

Records are thousands, so of each only the time and the running total of distance are kept, and positions are added up
as they pass by.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from app.readers.quantities import number_of
from app.readers.tracks import Track

if TYPE_CHECKING:
    from fitdecode.records import FitDataMessage

FIT_EPOCH_UNIX_S: Final = 631_065_600
CLOCK_SET_FROM_S: Final = 0x10000000
"""Below this a FIT time counts from when the device was switched on: its clock was never set."""
SEMICIRCLE_DEG: Final = 180 / 2**31
RECORDS_MOST: Final = 1_000_000
"""Eleven days of a record a second."""
SUMMARIES_MOST: Final = 10_000
"""Sessions or laps; more than that is damage, or somebody trying."""

_SUMMARY_FIELDS: Final = (
    "start_time",
    "timestamp",
    "sport",
    "sub_sport",
    "total_distance",
    "total_timer_time",
    "total_elapsed_time",
    "total_moving_time",
    "total_ascent",
    "workout_rpe",
)


def unix_s(told: object) -> float | None:
    """A FIT time in seconds since 1970; None where the device's clock was never set.

    >>> unix_s(datetime(2018, 5, 27, tzinfo=UTC)), unix_s(17217864), unix_s("x")
    (1527379200.0, None, None)
    """
    if isinstance(told, datetime):
        return told.timestamp()
    number = number_of(told)
    return FIT_EPOCH_UNIX_S + number if number is not None and number >= CLOCK_SET_FROM_S else None


@dataclass(slots=True)
class Summary:
    """A session or a lap: its place in the file, and the fields that are read of it, as the decoder gives them."""

    place: str
    told: dict[str, Any]

    @property
    def start_s(self) -> float | None:
        """When it began, seconds since 1970."""
        return unix_s(self.told.get("start_time"))

    @property
    def end_s(self) -> float | None:
        """When it ended: by its time from start to end, else when it was written."""
        start_s, elapsed_s = self.start_s, self.number("total_elapsed_time")
        return unix_s(self.told.get("timestamp")) if start_s is None or elapsed_s is None else start_s + elapsed_s

    def number(self, name: str) -> float | None:
        """A field as a number; None when it is not told."""
        return number_of(self.told.get(name))


@dataclass(slots=True)
class FitLog:
    """One FIT file (of the one or several that may stand behind each other).

    Attributes:
        kind: the type that `file_id` tells: `activity`, `settings`, …; "" when it tells none.
        device: maker and product.
        created: `file_id.time_created`.
        offset_s: the runner's clock against UTC, seconds east; None when unknown.
        damage: why the file could not be read to its end; "" when it could.
    """

    kind: str = ""
    device: str | None = None
    created: object = None
    offset_s: int | None = None
    sport: dict[str, Any] = field(default_factory=dict)
    sessions: list[Summary] = field(default_factory=list)
    laps: list[Summary] = field(default_factory=list)
    record_s: "array[float]" = field(default_factory=lambda: array("d"))
    record_m: "array[float]" = field(default_factory=lambda: array("d"))
    tracks: list[Track] = field(default_factory=list)
    track: Track = field(default_factory=Track)
    records: int = 0
    unset_clock_records: int = 0
    damage: str = ""

    def span_m(self, start_s: float | None, end_s: float | None) -> float | None:
        """How far the records' running total went between two moments, metres; None without two of them."""
        first = 0 if start_s is None else bisect_left(self.record_s, start_s - 1.5)
        last = len(self.record_s) if end_s is None else bisect_left(self.record_s, end_s + 1.5)
        told = self.record_m[first:last]
        if len(told) < 2:
            return None
        total = 0.0
        # A total that starts anew is a new count, so what was counted before it is kept.
        for before, after in pairwise(told):
            total += after - before if after >= before else after
        return total


def read_logs(raw: bytes) -> list[FitLog]:
    """Every FIT file in the bytes, each as far as it can be read."""
    logs: list[FitLog] = []
    try:
        for frame in _frames(raw, logs):
            _take(logs[-1], frame)
            if logs[-1].records > RECORDS_MOST:
                logs[-1].damage = f"It has more than {RECORDS_MOST} records."
                break
    except Exception as failure:  # noqa: BLE001 - the decoder meets any bytes, and what it raises then is not promised
        damage = f"It is damaged ({type(failure).__name__} while decoding)."
        if logs:
            logs[-1].damage = damage
        else:
            logs.append(FitLog(damage=damage))
    for log in logs:
        log.track.finish()
    return logs


class _Moments:
    """Turns FIT times into moments while a file is decoded; the rest it leaves as it is, in a fifth less time."""

    def on_process_type(self, _frames: object, told: Any) -> None:
        if told.type.name in ("date_time", "local_date_time") and isinstance(told.value, int):
            told.value = told.value if told.value < CLOCK_SET_FROM_S else _moment_of(told.value)

    def _do_nothing(self, _frames: object, _told: object) -> None:
        """The decoder calls on this for what is left as it is."""

    on_header = on_crc = on_process_field = on_process_unit = on_process_message = _do_nothing


def _moment_of(fit_s: int) -> datetime:
    return datetime.fromtimestamp(FIT_EPOCH_UNIX_S + fit_s, tz=UTC)


def _frames(raw: bytes, logs: list[FitLog]) -> Iterator["FitDataMessage"]:
    """The data messages; begins a log at each header, and notes a checksum that is wrong."""
    from fitdecode import FIT_FRAME_CRC, FIT_FRAME_DATA, FIT_FRAME_HEADER, CrcCheck, ErrorHandling, FitReader

    options = {"check_crc": CrcCheck.READONLY, "error_handling": ErrorHandling.IGNORE, "processor": _Moments()}
    with FitReader(BytesIO(raw), **options) as frames:
        for frame in frames:
            if frame.frame_type == FIT_FRAME_DATA:
                yield frame
            elif frame.frame_type == FIT_FRAME_HEADER:
                logs.append(FitLog())
            elif frame.frame_type == FIT_FRAME_CRC and not frame.matched:
                logs[-1].damage = "Its checksum does not match."


def _take(log: FitLog, message: "FitDataMessage") -> None:
    name = message.name
    if name == "record":
        _take_record(log, message)
    elif name == "session" and len(log.sessions) < SUMMARIES_MOST:
        log.sessions.append(_summary(message, f"session[{len(log.sessions)}]"))
    elif name == "lap" and len(log.laps) < SUMMARIES_MOST:
        log.laps.append(_summary(message, f"lap[{len(log.laps)}]"))
    elif name == "event":
        if message.get_value("event", fallback=None) == "timer" and "stop" in str(
            message.get_value("event_type", fallback="")
        ):
            log.track.end_segment()
    elif name == "sport" and not log.sport:
        log.sport = {part: message.get_value(part, fallback=None) for part in ("sport", "sub_sport")}
    elif name == "file_id":
        log.kind = str(message.get_value("type", fallback=None) or "")
        log.created = message.get_value("time_created", fallback=None)
        parts = [message.get_value(part, fallback=None) for part in ("manufacturer", "garmin_product", "product_name")]
        log.device = " ".join(str(part) for part in parts if isinstance(part, str))[:80] or None
    elif name == "activity":
        local, moment = (message.get_value(part, fallback=None) for part in ("local_timestamp", "timestamp"))
        if isinstance(local, datetime) and isinstance(moment, datetime):
            log.offset_s = _plausible_offset_s((local - moment).total_seconds())
    elif name == "device_settings" and log.offset_s is None:
        told = number_of(message.get_value("time_offset", fallback=None))
        if told:  # signed in truth, and written without a sign
            log.offset_s = _plausible_offset_s(told - 2**32 if told >= 2**31 else told)


def _plausible_offset_s(seconds: float) -> int | None:
    """A difference of two clocks as an offset in use on Earth: a quarter of an hour is the smallest step."""
    quarters = round(seconds / 900)
    return quarters * 900 if abs(seconds - quarters * 900) <= 90 and -48 <= quarters <= 56 else None


def _summary(message: "FitDataMessage", place: str) -> Summary:
    told = {part: message.get_value(part, fallback=None) for part in _SUMMARY_FIELDS}
    return Summary(place, {part: value for part, value in told.items() if value is not None})


def _take_record(log: FitLog, message: "FitDataMessage") -> None:
    log.records += 1
    told: dict[str, object] = {}
    for each in message.fields:
        if each.name in ("timestamp", "distance", "position_lat", "position_long", "activity_type"):
            told[each.name] = each.value
    at_s = unix_s(told.get("timestamp"))
    if at_s is None:
        # A clock that was never set still counts seconds.
        at_s = number_of(told.get("timestamp"))
        log.unset_clock_records += at_s is not None
    distance_m = number_of(told.get("distance"))
    if at_s is not None and distance_m is not None and (not log.record_s or at_s >= log.record_s[-1]):
        log.record_s.append(at_s)
        log.record_m.append(distance_m)
    lat, lon = told.get("position_lat"), told.get("position_long")
    if isinstance(lat, int) and isinstance(lon, int):
        lat_deg, lon_deg = lat * SEMICIRCLE_DEG, lon * SEMICIRCLE_DEG
        if abs(lat_deg) <= 90:
            log.track.add(lat_deg, lon_deg, at_s)
    if not log.sport and isinstance(told.get("activity_type"), str):
        log.sport = {"sport": told["activity_type"]}
