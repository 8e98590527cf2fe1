"""From what all files hold to one training object, its weeks, and every doubt: the answer of an import.

The order is: drop duplicates, find each activity's local day, ask what counts, add up.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.errors import Fault
from app.features.facts import AGES
from app.readers.activities import RUNNING, Activity, ReadingFinding
from app.readers.days import derive_day
from app.readers.findings import FINDINGS, FindingCode
from app.readers.judging import Judged, judge, monday_of
from app.readers.merging import find_date_only_twins, merge
from app.runners.profile import SESSIONS_MAX

KEPT_DAYS: Final = 400
OTHER_SPORT_DAYS: Final = 28
HOLE_DAYS: Final = 14
"""So many days without anything are worth asking about: the log counts as whole, so they are rest."""
FINDINGS_MOST: Final = 1_000
ACTIVITIES_MOST: Final = 20_000
SUMMED_UP: Final[frozenset[FindingCode]] = frozenset(
    {
        "archive-part-passed-over",
        "local-day-from-longitude",
        "local-day-unsure",
        "manual-entry",
        "missing-duration",
        "not-running",
        "older-than-400-days",
        "walking-pace",
    }
)
"""These come by the hundred: one finding with a count says as much."""
NAMED_MOST: Final = 10
_OTHER_SPORTS: Final = ("ride", "swim", "hike", "other")

Json = dict[str, Any]


@dataclass(slots=True)
class Collected:
    """What was read of all files so far; duplicates are still in it.

    Attributes:
        activities: in the order of reading.
        findings: each with the place of its activity in `activities`, not in its file.
        refusals: what could not be read, by its place in the call; unlike the findings, they name no file.
    """

    activities: list[Activity] = field(default_factory=list)
    findings: list[ReadingFinding] = field(default_factory=list)
    files: int = 0
    refusals: list[Fault] = field(default_factory=list)

    def take(self, activities: list[Activity], findings: Iterable[ReadingFinding]) -> None:
        """Adds what one file holds."""
        first = len(self.activities)
        room = ACTIVITIES_MOST - first
        self.activities += activities[:room]
        for found in findings:
            place = None if found.activity is None else first + found.activity
            if place is None or place < ACTIVITIES_MOST:
                self.findings.append(ReadingFinding(found.code, found.source, place, found.detail, found.count))
        if len(activities) > room:
            detail = f"More than {ACTIVITIES_MOST} activities in one import; the rest was left out."
            self.findings.append(
                ReadingFinding("salvaged", activities[-1].source, detail=detail, count=len(activities) - room)
            )


def assemble(collected: Collected, *, today: date, as_of: date | None, zone: ZoneInfo | None) -> Json:
    """The answer of an import.

    Args:
        collected: what was read.
        today: in UTC; nothing can be later than the day after it.
        as_of: the day to import for, where it is another.
        zone: of starts that are known in UTC alone.
    """
    last_on = as_of or today + timedelta(days=1)
    merged = merge(collected.activities)
    clocks_doubted = {found.activity for found in collected.findings if found.code == "doubtful-clock"}
    judged: list[Judged] = []
    findings: list[Json] = []
    counted: dict[int, Judged] = {}
    day_of_twin: dict[int, date | None] = {}
    for each in merged:
        local = derive_day(each.activity, zone=zone)
        verdict = judge(each.activity, local=local, last_on=last_on)
        if each.place in clocks_doubted and "no-timestamp" in verdict.doubts:
            verdict.doubts.remove("no-timestamp")  # why there is none was said already
        judged.append(verdict)
        counted[each.place] = verdict
        findings += [_finding(code, verdict.activity.source, place=each.place) for code in verdict.doubts]
        day_of_twin.update(dict.fromkeys(each.twins, local.day))
        if each.twins:
            others = [collected.activities[twin].source for twin in each.twins]
            findings.append(_finding("duplicate", verdict.activity.source, place=each.place, others=others))
    runs = sorted((one for one in judged if one.is_run), key=_when)
    twins = find_date_only_twins([one.activity for one in runs], lambda activity: derive_day(activity, zone=zone).day)
    findings += [_finding("date-only-twins", twin.source) for twin in twins]
    day_of_end = as_of or max([today, *(one.day for one in runs if one.day)], default=today)
    sessions, older, surplus = _sessions(runs, from_on=day_of_end - timedelta(days=KEPT_DAYS - 1))
    findings += [_finding("older-than-400-days", one.activity.source) for one in older]
    findings += [_finding("too-many-runs", one.activity.source) for one in surplus[:1]]
    if sessions:
        holes = _holes(judged, since_on=date.fromisoformat(sessions[0]["started_on"]), to_on=day_of_end)
        findings += [_finding("weeks-without-activities", None, detail=hole) for hole in holes]
    hours = _other_sport_hours(judged, day_of_end)
    if hours is not None:
        findings.append(_finding("other-sport-hours", None))
    read = [_finding(each.code, each.source, place=each.activity, detail=each.detail, count=each.count)
            for each in collected.findings]  # fmt: skip
    listed = _summed_up([*read, *findings])
    return {
        "training": {
            "sessions": sessions,
            "weekly_distance_m": None,
            "observed_from": sessions[0]["started_on"] if sessions else None,
            "time_zone": None,
            "planned_run": None,
        },
        "other_sport_hours_per_week": hours,
        "activities": [
            _listed(activity, counted.get(place), day_of_twin.get(place))
            for place, activity in enumerate(collected.activities)
        ],
        "weeks": list(_weeks(runs, from_on=day_of_end - timedelta(days=KEPT_DAYS - 1), to_on=day_of_end)),
        "findings": listed[:FINDINGS_MOST],
        "findings_left_out": max(0, len(listed) - FINDINGS_MOST),
    }


def _when(one: Judged) -> tuple[date, datetime]:
    activity = one.activity
    moment = activity.started_at or activity.clock_at_start or datetime(2000, 1, 1, tzinfo=UTC)
    return one.day or date.min, moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _sessions(runs: list[Judged], *, from_on: date) -> tuple[list[Json], list[Judged], list[Judged]]:
    """The runs as a request takes them, oldest first; those that are too old; those that are too many."""
    recent = [one for one in runs if one.day is not None and one.day >= from_on]
    older = [one for one in runs if one.day is not None and one.day < from_on]
    kept = recent[-SESSIONS_MAX:]
    used: Counter[str] = Counter()
    sessions = []
    for one in kept:
        activity = one.activity
        id = _session_id(activity, one.day)
        used[id] += 1
        sessions.append(
            {
                "id": id if used[id] == 1 else f"{id}.{used[id]}",
                "started_on": None if one.day is None else one.day.isoformat(),
                "started_at": _local_start(activity, one.day),
                "distance_m": _thousandth(activity.distance_mm),
                "duration_s": _thousandth(activity.duration_ms),
                "effort": activity.effort,
                "ascent_m": activity.ascent_m,
            }
        )
    return sessions, older, recent[: -SESSIONS_MAX or None] if len(recent) > SESSIONS_MAX else []


def _session_id(activity: Activity, day: date | None) -> str:
    """The same for the same run in every import; of the platform's id, else of the start."""
    if activity.id is not None and activity.id_space is not None:
        leg = f"-{activity.sport}" if activity.part_of is not None else ""
        return f"{activity.id_space}:{activity.id}{leg}"[:120]
    if activity.started_at is not None:
        return f"{activity.started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    if activity.clock_at_start is not None:
        return f"{activity.clock_at_start:%Y%m%dT%H%M%S}"
    return f"{day}"


def _local_start(activity: Activity, day: date | None) -> str | None:
    """The start with the runner's offset; None where the offset is not known, since a day would be read from it."""
    if activity.started_at is None or activity.clock_at_start is None:
        return None
    moment = activity.started_at.astimezone(UTC).replace(microsecond=0)
    minutes = round((activity.clock_at_start.replace(tzinfo=UTC) - moment).total_seconds() / 60)
    if abs(minutes) >= 15 * 60:
        return None
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    # An offset of zero is read as "UTC, and who knows where"; the day alone says more.
    return local.isoformat() if minutes and local.date() == day else None


def _thousandth(whole: int | None) -> float | int | None:
    if whole is None:
        return None
    return whole // 1000 if whole % 1000 == 0 else whole / 1000


def _other_sport_hours(judged: list[Judged], to_on: date) -> float | None:
    """Hours a week of ride, swim, hike and other sport in the last four weeks; None where there was none."""
    from_on = to_on - timedelta(days=OTHER_SPORT_DAYS - 1)
    spent = [
        one.activity.duration_ms or 0
        for one in judged
        if one.activity.sport in _OTHER_SPORTS and one.day is not None and from_on <= one.day <= to_on
    ]
    total_ms = sum(ms for ms in spent if ms <= 86_400_000)
    return round(total_ms / 3_600_000 / (OTHER_SPORT_DAYS / 7), 1) if total_ms else None


def _holes(judged: list[Judged], *, since_on: date, to_on: date) -> Iterator[str]:
    """From which day to which the log is empty, where so many of these days are among those that features read."""
    read_from = to_on - timedelta(days=AGES - 1)
    days = sorted({one.day for one in judged if one.day is not None and since_on <= one.day <= to_on})
    for before, after in pairwise([*days, to_on + timedelta(days=1)]):
        first, last = before + timedelta(days=1), after - timedelta(days=1)
        if (last - max(first, read_from)).days + 1 >= HOLE_DAYS:
            yield f"From {first} to {last}."


def _weeks(runs: list[Judged], *, from_on: date, to_on: date) -> Iterator[Json]:
    """Calendar weeks with runs, oldest first; of the last 400 days also those without, since the first run."""
    by_week: dict[date, list[Judged]] = {}
    for one in runs:
        if one.day is not None:
            by_week.setdefault(monday_of(one.day), []).append(one)
    recent = [week for week in by_week if week >= monday_of(from_on)]
    if recent:
        week = min(recent)
        while week <= monday_of(to_on):
            by_week.setdefault(week, [])
            week += timedelta(days=7)
    for week, listed in sorted(by_week.items()):
        distances = [one.activity.distance_mm for one in listed]
        known = [mm for mm in distances if mm is not None]
        durations = [one.activity.duration_ms for one in listed if one.activity.duration_ms is not None]
        yield {
            "from": week.isoformat(),
            "to": (week + timedelta(days=6)).isoformat(),
            "runs": len(listed),
            "distance_m": _thousandth(sum(known)),
            "duration_s": _thousandth(sum(durations)),
            "longest_m": _thousandth(max(known, default=None)),
            "runs_without_distance": len(distances) - len(known),
        }


def _listed(activity: Activity, judged: Judged | None, day_of_twin: date | None) -> Json:
    """An activity as the answer lists it; a duplicate has no verdict of its own, and does not count."""
    kept = activity if judged is None else judged.activity
    names = {"distance_mm": "distance_m", "duration_ms": "duration_s", "clock_at_start": "started_on"}
    moment = kept.started_at
    day = day_of_twin if judged is None else judged.day
    return {
        "source": kept.source,
        "reader": kept.reader,
        "sport": kept.sport,
        "id": kept.id,
        "device": kept.device,
        "started_at": None if moment is None else (_local_start(kept, day) or _in_utc(moment)),
        "started_on": None if day is None else day.isoformat(),
        "distance_m": _thousandth(kept.distance_mm),
        "duration_s": _thousandth(kept.duration_ms),
        "ascent_m": kept.ascent_m,
        "effort": kept.effort,
        "part_of": kept.part_of,
        "counted": judged is not None and judged.is_run and kept.sport in (*RUNNING, "unknown"),
        "provenance": {
            names.get(name, name): origin._asdict()
            for name, origin in kept.provenance.items()
            if name != "elapsed_ms"
        },
    }  # fmt: skip


def _in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _finding(
    code: FindingCode,
    source: str | None,
    *,
    place: int | None = None,
    others: list[str] | None = None,
    detail: str = "",
    count: int = 1,
) -> Json:
    kind = FINDINGS[code]
    return {
        "severity": kind.severity,
        "code": code,
        "pointer": "" if place is None else f"/activities/{place}",
        "source": source,
        "others": others or [],
        "count": count,
        "message": f"{kind.message} {detail}".rstrip(),
    }


def _summed_up(findings: list[Json]) -> list[Json]:
    """Warnings first; those that come by the hundred as one, with how many and the first files."""
    sums: dict[str, Json] = {}
    listed = []
    for found in findings:
        if found["code"] not in SUMMED_UP:
            listed.append(found)
            continue
        before = sums.get(found["code"])
        if before is None:
            sums[found["code"]] = {**found, "others": []}
        else:
            before["count"] += found["count"]
            before["pointer"] = ""
            if len(before["others"]) < NAMED_MOST and found["source"] not in (before["source"], *before["others"]):
                before["others"].append(found["source"])
    return sorted([*listed, *sums.values()], key=lambda found: found["severity"] != "warning")
