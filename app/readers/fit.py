"""FIT activities, decoded by fitdecode: sessions first, and laps, records and positions where a session does not say.

What is believed, in this order: the session's own total; the sum of its laps; the running total of its records; the
length of its track. A session is overruled only where another account is possible and its own is not, or where, in
multisport, its total is the running total of the whole. Time is timer time.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from app.errors import UnreadableTrainingError
from app.readers.activities import RUNNING, Activity, Reader, Reading, ReadingFinding, Sport, origins
from app.readers.content import Content
from app.readers.fit_messages import FitLog, Summary, read_logs
from app.readers.quantities import FIRST_YEAR, ascent_of, clock_of, mm_of, ms_of
from app.readers.tracks import solar_offset_h

ID: Final = "fit"
DISAGREE_SHARE: Final = 0.05
DISAGREE_M: Final = 100.0
RUN_FASTEST_M_PER_S: Final = 7.0
"""The fastest that anybody runs a kilometre at; above it a leg is no run, or its distance is not its own."""
LEGS_APART_S: Final = 300.0
PAUSE_FROM_S: Final = 60.0

_RUNS: Final[dict[str, Sport]] = {
    "treadmill": "run_treadmill",
    "indoor_running": "run_treadmill",
    "virtual_activity": "run_treadmill",
    "trail": "run_trail",
    "track": "run_track",
}
_SPORTS: Final[dict[str, Sport]] = {
    "walking": "walk",
    "hiking": "hike",
    "mountaineering": "hike",
    "snowshoeing": "hike",
    "cycling": "ride",
    "e_biking": "ride",
    "swimming": "swim",
    "generic": "unknown",
    "all": "unknown",
}


def sniff(content: Content) -> bool:
    """Whether the FIT mark stands where a FIT header has it."""
    return content.raw[8:12] == b".FIT"


def sport_of(sport: object, sub_sport: object) -> Sport:
    """The sport that a session's two fields tell.

    >>> sport_of("running", "trail"), sport_of("fitness_equipment", "treadmill"), sport_of("running", None)
    ('run_trail', 'run_treadmill', 'run')
    >>> sport_of(None, None), sport_of("cycling", "road"), sport_of(250, 3)
    ('unknown', 'ride', 'other')
    """
    sub = sub_sport if isinstance(sub_sport, str) else ""
    if sport == "running" or (sport == "fitness_equipment" and sub in ("treadmill", "indoor_running")):
        return _RUNS.get(sub, "run")
    if sport is None:
        return "unknown"
    return _SPORTS.get(sport, "other") if isinstance(sport, str) else "other"


class Told(NamedTuple):
    """A number, the field that told it, and whether another field tells another."""

    number: float | None
    place: str | None
    is_disputed: bool = False


def read(content: Content) -> Reading:
    """One activity a session, in every FIT file that stands in the bytes; without a session, one a file.

    Raises:
        UnreadableTrainingError: nothing of any activity can be read.
    """
    logs = read_logs(content.raw)
    reading = Reading()
    for log in logs:
        _read_log(log, content, reading)
    if reading.activities:
        # Behind an activity there often stand files of measurements; that they are none needs no word then.
        reading.findings[:] = [found for found in reading.findings if found.code != "not-an-activity"]
    if not reading.activities and not reading.findings:
        raise UnreadableTrainingError(content.name, next((log.damage for log in logs if log.damage), "It is empty."))
    return reading


def _read_log(log: FitLog, content: Content, reading: Reading) -> None:
    if log.kind not in ("", "activity"):
        kind = log.kind if log.kind.replace("_", "").isalpha() else "another"
        reading.findings.append(
            ReadingFinding("not-an-activity", content.name, detail=f"It is a FIT file of the kind {kind}.")
        )
        return
    sessions = log.sessions or _session_from_rest(log)
    if not sessions:
        if not log.damage:
            detail = "It is a FIT activity file without any session, lap or record."
            reading.findings.append(ReadingFinding("not-an-activity", content.name, detail=detail))
        return
    legs = _are_legs(sessions)
    first = len(reading.activities)
    for number, session in enumerate(sessions):
        before = sessions[number - 1] if legs and number else None
        place = len(reading.activities)
        activity, disputed = _activity(session, log, content, before=before, sessions=sessions)
        reading.activities.append(activity)
        if disputed:
            reading.findings.append(ReadingFinding("distance-disagrees", content.name, activity=place))
        if activity.started_at is None:
            reading.findings.append(ReadingFinding("doubtful-clock", content.name, activity=place))
    if legs:
        reading.findings.append(ReadingFinding("multisport-leg", content.name, activity=first, count=len(sessions)))
    if log.track.gaps and len(sessions) == 1:
        reading.findings.append(ReadingFinding("gap-in-log", content.name, activity=first, count=log.track.gaps))
    if log.damage:
        reading.findings.append(ReadingFinding("salvaged", content.name, activity=first, detail=log.damage))


def _session_from_rest(log: FitLog) -> list[Summary]:
    """What a session would have said, from laps and records; an interrupted recording has no session."""
    if not log.laps and log.records < 2:
        return []
    told: dict[str, object] = dict(log.sport)
    if log.laps:
        told = {**told, **{part: log.laps[0].told[part] for part in ("sport", "sub_sport") if part in log.laps[0].told}}
        told["start_time"] = log.laps[0].told.get("start_time")
    elif log.record_s and not log.unset_clock_records:
        told["start_time"] = datetime.fromtimestamp(log.record_s[0], tz=UTC)
    elif log.track.first_s is not None and not log.unset_clock_records:
        told["start_time"] = datetime.fromtimestamp(log.track.first_s, tz=UTC)
    else:
        told["start_time"] = log.created
    return [Summary("record", told)]


def _are_legs(sessions: list[Summary]) -> bool:
    """Whether the sessions follow on from each other; else they are activities joined in one file."""
    if len(sessions) < 2:
        return False
    for before, after in pairwise(sessions):
        if before.end_s is None or after.start_s is None or abs(after.start_s - before.end_s) > LEGS_APART_S:
            return False
    return True


def _activity(
    session: Summary, log: FitLog, content: Content, *, before: Summary | None, sessions: list[Summary]
) -> tuple[Activity, bool]:
    sport = sport_of(session.told.get("sport"), session.told.get("sub_sport"))
    laps = _laps_of(session, log, sessions)
    duration = _derive_duration(session, log, laps, sessions)
    distance = _derive_distance(
        session, log, laps, before=before, sessions=sessions, sport=sport, time_s=duration.number
    )
    start_s = session.start_s
    moment = None if start_s is None else datetime.fromtimestamp(start_s, tz=UTC)
    if moment is not None and not FIRST_YEAR <= moment.year < 2100:
        moment = None
    clock = clock_of(moment, offset_s=log.offset_s)
    rpe = session.number("workout_rpe")
    place = session.place
    activity = Activity(
        source=content.name,
        reader=ID,
        sport=sport,
        device=log.device,
        started_at=moment,
        clock_at_start=clock,
        solar_offset_h=solar_offset_h(log.track.first_lon_deg),
        distance_mm=mm_of(distance.number),
        duration_ms=ms_of(duration.number),
        elapsed_ms=ms_of(session.number("total_elapsed_time")),
        ascent_m=ascent_of(session.told.get("total_ascent")),
        effort=rpe / 10 if rpe is not None and 0 < rpe <= 100 else None,
        part_of=_name_of_whole(sessions) if before is not None or _are_legs(sessions) else None,
        provenance=origins(
            content,
            ID,
            sport=f"{place}.sport",
            started_at=f"{place}.start_time",
            clock_at_start=None if clock is None else "activity.local_timestamp",
            distance_mm=distance.place,
            duration_ms=duration.place,
            ascent_m=f"{place}.total_ascent" if "total_ascent" in session.told else None,
            effort=f"{place}.workout_rpe" if rpe else None,
        ),
    )
    return activity, distance.is_disputed


def _name_of_whole(sessions: list[Summary]) -> str:
    start_s = sessions[0].start_s or 0.0
    return f"fit-{(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start_s)):%Y%m%dT%H%M%SZ}"


def _laps_of(session: Summary, log: FitLog, sessions: list[Summary]) -> list[Summary]:
    """The laps that lie within a session; all of them, where there is but one session."""
    if len(sessions) == 1:
        return log.laps
    start_s, end_s = session.start_s, session.end_s
    if start_s is None or end_s is None:
        return []
    return [lap for lap in log.laps if lap.start_s is not None and start_s - 1 <= lap.start_s < end_s - 0.5]


def _derive_duration(session: Summary, log: FitLog, laps: list[Summary], sessions: list[Summary]) -> Told:
    for field in ("total_timer_time", "total_moving_time"):
        if session.number(field):
            return Told(session.number(field), f"{session.place}.{field}")
    timed = [lap.number("total_timer_time") for lap in laps]
    from_laps = sum(seconds for seconds in timed if seconds is not None)
    from_records = _recorded_s(session, log, sessions)
    # After the last whole lap an interrupted recording goes on in records alone.
    if from_laps and (session.place != "record" or from_laps >= 0.95 * (from_records or 0.0)):
        return Told(from_laps, "lap[].total_timer_time")
    if from_records:
        return Told(from_records, "record[].timestamp")
    if session.number("total_elapsed_time"):
        return Told(session.number("total_elapsed_time"), f"{session.place}.total_elapsed_time")
    return Told(None, None)


def _recorded_s(session: Summary, log: FitLog, sessions: list[Summary]) -> float | None:
    """Time from record to record, without pauses; None where the records are of several sessions."""
    if len(sessions) > 1:
        return None
    steps = (after - before for before, after in pairwise(log.record_s))
    seconds = sum(step for step in steps if step < PAUSE_FROM_S)
    return seconds or log.track.moving_s or None


def _derive_distance(
    session: Summary,
    log: FitLog,
    laps: list[Summary],
    *,
    before: Summary | None,
    sessions: list[Summary],
    sport: Sport,
    time_s: float | None,
) -> Told:
    whole = len(sessions) == 1
    recorded_m = log.span_m(None, None) if whole else log.span_m(session.start_s, session.end_s)
    own_m = session.number("total_distance")
    if not own_m:
        lapped = [lap.number("total_distance") for lap in laps]
        lapped_m = sum(metres for metres in lapped if metres is not None)
        if lapped_m and (session.place != "record" or lapped_m >= 0.95 * (recorded_m or 0.0)):
            return Told(lapped_m, "lap[].total_distance")
        if recorded_m:
            return Told(recorded_m, "record[].distance")
        if whole and log.track.distance_m:
            return Told(log.track.distance_m, "record[].position")
        return Told(None, None)
    place = f"{session.place}.total_distance"
    carried_m = before.number("total_distance") if before is not None else None
    if recorded_m is not None and carried_m and 2 * abs(own_m - carried_m - recorded_m) < abs(own_m - recorded_m):
        # Twice as near without what was carried over from the leg before: it is a running total.
        return Told(own_m - carried_m, f"{place} - the leg before", is_disputed=True)
    if recorded_m is not None and not _agree(own_m, recorded_m):
        if not _is_possible(own_m, time_s, sport) and _is_possible(recorded_m, time_s, sport):
            return Told(recorded_m, "record[].distance", is_disputed=True)
        return Told(own_m, place, is_disputed=True)
    if carried_m and own_m > carried_m and not _is_possible(own_m, time_s, sport):
        rest_m = own_m - carried_m
        if _is_possible(rest_m, time_s, sport):
            return Told(rest_m, f"{place} - the leg before", is_disputed=True)
    return Told(own_m, place)


def _agree(one_m: float, other_m: float) -> bool:
    return abs(one_m - other_m) <= max(DISAGREE_M, DISAGREE_SHARE * max(one_m, other_m))


def _is_possible(metres: float, time_s: float | None, sport: Sport) -> bool:
    return sport not in RUNNING or not time_s or metres <= RUN_FASTEST_M_PER_S * time_s


READER: Final = Reader(
    id=ID,
    title="FIT",
    media_types=("application/vnd.ant.fit", "application/vnd.garmin.fit"),
    suffixes=(".fit",),
    sniff=sniff,
    read=read,
)
