"""What no single field of a request can show: contradictions are faults, oddities are findings."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from app.errors import Fault
from app.runners.profile import Finding, Runner, Session, Training
from app.runners.time_zones import load_time_zone

SPEED_IMPOSSIBLE_M_PER_S = 12.5
"""Faster than the fastest ten seconds ever run, on average over a session."""
SPEED_DOUBTFUL_M_PER_S = 1000 / 150
"""2:30 minutes a kilometre."""
DAY_DOUBTFUL_M = 100_000
PLAN_AHEAD_DAYS = 92
PLAN_SURE_DAYS = 7
DISAGREE_SHARE = 0.1
DISAGREE_M = 1_000


def find_time_zone(name: str | None, faults: list[Fault]) -> ZoneInfo | None:
    """The IANA time zone of this name; a fault when there is none."""
    if name is None:
        return None
    zone = load_time_zone(name)
    if zone is None:
        faults.append(Fault("/training/time_zone", "unknown-time-zone", "No IANA time zone has this name."))
    return zone


def check_profile(runner: Runner, faults: list[Fault]) -> None:
    """Adds a fault for each answer about history that another one rules out."""
    for part, joint in (("knee", runner.knee), ("lower_back", runner.lower_back)):
        if joint is None:
            continue
        if joint.history == "never":
            if joint.months_since:
                faults.append(_never_with(part, "months_since"))
            if joint.episodes:
                faults.append(_never_with(part, "episodes"))
        if joint.surgery == "none" and joint.surgery_months_since is not None:
            faults.append(
                Fault(f"/runner/{part}/surgery_months_since", "contradiction", "It does not go with 'surgery' none.")
            )
    other = runner.other_injury
    if other is not None and other.history == "never" and other.months_since:
        faults.append(_never_with("other_injury", "months_since"))


def _never_with(part: str, field: str) -> Fault:
    return Fault(f"/runner/{part}/{field}", "contradiction", "It goes with 'history' never only when it is left out.")


def check_sessions(
    sessions: Sequence[Session], days: Sequence[date | None], as_of: date, faults: list[Fault], findings: list[Finding]
) -> set[int]:
    """Looks at every session for what cannot be and for what is doubtful.

    Returns:
        Places of the duplicates, which do not count; only an id, or start and distance, tell that two are the same.
    """
    for place, (session, day) in enumerate(zip(sessions, days, strict=True)):
        if day is not None and day > as_of:
            detail = "The session is after the day of the score; a run to come belongs in /training/planned_run."
            faults.append(Fault(_pointer(place), "after-as-of", detail))
        metres = session.distance_m
        seconds = session.duration_s
        if metres and seconds is not None and metres > SPEED_DOUBTFUL_M_PER_S * seconds:
            if metres > SPEED_IMPOSSIBLE_M_PER_S * seconds:
                faults.append(Fault(_pointer(place), "impossible-speed", "Nobody runs this distance in this time."))
            else:
                _warn(findings, place, "doubtful-pace", "The mean pace is faster than 2:30 minutes a kilometre.")
    return _look_at_days(sessions, days, findings)


def _look_at_days(sessions: Sequence[Session], days: Sequence[date | None], findings: list[Finding]) -> set[int]:
    duplicates: set[int] = set()
    ids = [session.id for session in sessions]
    if len(set(days)) < len(days) or any(ids):
        duplicates = _find_duplicates(sessions, days, findings)
    elif max([session.distance_m or 0.0 for session in sessions], default=0.0) < DAY_DOUBTFUL_M:
        return duplicates
    metres_of_day: dict[date | None, float] = {}
    for place, (session, day) in enumerate(zip(sessions, days, strict=True)):
        if place not in duplicates and session.distance_m:
            before = metres_of_day.get(day, 0.0)
            metres_of_day[day] = before + session.distance_m
            if before < DAY_DOUBTFUL_M <= before + session.distance_m:
                _warn(findings, place, "doubtful-day", "The runs of this day add up to 100 km or more.")
    return duplicates


def _pointer(place: int) -> str:
    return f"/training/sessions/{place}"


def _warn(findings: list[Finding], place: int, code: str, message: str) -> None:
    findings.append(Finding(severity="warning", code=code, pointer=_pointer(place), message=message))


def _find_duplicates(sessions: Sequence[Session], days: Sequence[date | None], findings: list[Finding]) -> set[int]:
    duplicates: set[int] = set()
    seen: set[object] = set()
    for place, (session, day) in enumerate(zip(sessions, days, strict=True)):
        start = None if session.started_at is None else (session.started_at, session.distance_m)
        same = (day, session.distance_m, session.duration_s)
        if session.id in seen or start in seen:
            _warn(findings, place, "duplicate-session", "The same session was given before; it counts once.")
            duplicates.add(place)
            continue
        if session.id is None and start is None and session.distance_m:
            if same in seen:
                _warn(findings, place, "possible-duplicate-session", _POSSIBLE_DUPLICATE)
            seen.add(same)
        seen.update(mark for mark in (session.id, start) if mark is not None)
    return duplicates


_POSSIBLE_DUPLICATE = (
    "A session of the same day, distance and duration was given before; both count. "
    "Send 'started_at' or 'id' to tell them apart."
)


def check_training(
    training: Training,
    sessions: Sequence[Session],
    days: Sequence[date | None],
    as_of: date,
    faults: list[Fault],
    findings: list[Finding],
) -> None:
    """Looks at what goes beyond one session: the start of the log, the planned run, two accounts of the same weeks."""
    observed_from = training.observed_from
    if observed_from is not None and observed_from > as_of:
        faults.append(Fault("/training/observed_from", "after-as-of", "The log begins after the day of the score."))
    planned = training.planned_run
    if planned is not None:
        on = planned.on or as_of
        if on < as_of:
            faults.append(
                Fault("/training/planned_run/on", "out-of-range", "A planned run is on the day of the score or later.")
            )
        elif on > as_of + timedelta(days=PLAN_AHEAD_DAYS):
            faults.append(Fault("/training/planned_run/on", "out-of-range", "A planned run is at most 92 days ahead."))
        elif on > as_of + timedelta(days=PLAN_SURE_DAYS):
            findings.append(
                Finding(
                    severity="info",
                    code="plan-far-ahead",
                    pointer="/training/planned_run/on",
                    message="The planned run is more than a week ahead; the days until then count as rest.",
                )
            )
        if planned.duration_s is not None and planned.distance_m > SPEED_IMPOSSIBLE_M_PER_S * planned.duration_s:
            faults.append(Fault("/training/planned_run", "impossible-speed", "Nobody runs this distance in this time."))
    has_log = bool(sessions) or (training.sessions is not None and observed_from is not None)
    if has_log and training.weekly_distance_m and _disagree(training, sessions, days, as_of):
        findings.append(
            Finding(
                severity="warning",
                code="weeks-and-sessions-disagree",
                pointer="/training/weekly_distance_m",
                message="The weekly distances and the sessions do not agree; the sessions were used.",
            )
        )


def _disagree(training: Training, sessions: Sequence[Session], days: Sequence[date | None], as_of: date) -> bool:
    first = training.observed_from or min((day for day in days if day is not None), default=None)
    if first is None or any(session.distance_m is None for session in sessions):
        return False
    for age, listed in enumerate(reversed(training.weekly_distance_m or [])):
        last_day = as_of - timedelta(days=7 * age)
        first_day = last_day - timedelta(days=6)
        if listed is None or first_day < first:
            continue
        summed = sum(
            session.distance_m or 0.0
            for session, day in zip(sessions, days, strict=True)
            if day is not None and first_day <= day <= last_day
        )
        if abs(summed - listed) > max(DISAGREE_M, DISAGREE_SHARE * max(summed, listed)):
            return True
    return False
