"""The training log, read slowly: which days are known, what was run on them, and the ratios of the load features."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.oracle.kinds import (
    INFINITY,
    NOT_APPLICABLE,
    UNKNOWN,
    Between,
    Number,
    Quantity,
    Reading,
    Wire,
    greatest,
    thousandths,
)


@dataclass(frozen=True)
class Run:
    """One session on its local day; the distance is None where it is not known."""

    day: date
    distance_mm: int | None
    duration_ms: int | None

    @property
    def is_none(self) -> bool:
        """A run of 0 m is no run."""
        return self.distance_mm == 0


@dataclass(frozen=True)
class Log:
    """All runs, and the day since when every run is among them."""

    runs: tuple[Run, ...]
    observed_from: date
    as_of: date

    def holds(self, first: date, last: date) -> bool:
        """Whether every day from the first to the last is observed."""
        return first >= self.observed_from and last >= first

    def between(self, first: date, last: date) -> list[Run]:
        """The runs on the days from the first to the last."""
        return [run for run in self.runs if first <= run.day <= last]


def _moment(session: Wire) -> datetime | None:
    given = session.get("started_at")
    return None if given is None else datetime.fromisoformat(given)


def local_day(session: Wire, time_zone: str | None) -> date:
    """The day of the session where the runner was."""
    if session.get("started_on") is not None:
        return date.fromisoformat(session["started_on"])
    moment = _moment(session)
    assert moment is not None, "a session without a day is refused at the door"
    if moment.utcoffset() == timedelta(0):
        return moment.astimezone(ZoneInfo(time_zone) if time_zone else UTC).date()
    return moment.date()


def kept_sessions(sessions: list[Wire]) -> list[Wire]:
    """Of sessions with one id, or with one start and one distance, the first alone; date-only sessions all stay."""
    ids: set[str] = set()
    starts: set[tuple[datetime, int | None]] = set()
    kept = []
    for session in sessions:
        identity, moment = session.get("id"), _moment(session)
        start = None if moment is None else (moment.astimezone(UTC), thousandths(session.get("distance_m")))
        if (identity is not None and identity in ids) or (start is not None and start in starts):
            continue
        ids |= set() if identity is None else {identity}
        starts |= set() if start is None else {start}
        kept.append(session)
    return kept


def read_log(training: Wire, as_of: date) -> Log | None:
    """The log: there is one if there are sessions, or if none were run since a stated day."""
    sessions, observed_from = training.get("sessions"), training.get("observed_from")
    if sessions is None or (sessions == [] and observed_from is None):
        return None
    zone = training.get("time_zone")
    runs = tuple(
        Run(local_day(session, zone), thousandths(session.get("distance_m")), thousandths(session.get("duration_s")))
        for session in kept_sessions(sessions)
    )
    since = date.fromisoformat(observed_from) if observed_from is not None else min(run.day for run in runs)
    return Log(runs, since, as_of)


def ratio(above: int | Fraction, below: int | Fraction) -> Quantity:
    """One quantity over another; over nothing it is infinite, and nothing over nothing is 0."""
    if below == 0:
        return Fraction(0) if above == 0 else INFINITY
    return Fraction(above) / Fraction(below)


def days_back(day: date, days: int) -> date:
    """The day so many days earlier."""
    return day - timedelta(days=days)


def spike_of_log(log: Log) -> Reading:
    """The largest of the last 7 days' runs over the longest of the 30 days before each."""
    if not log.holds(days_back(log.as_of, 6), log.as_of):
        return UNKNOWN
    exact: list[Quantity] = []
    at_most: list[Quantity] = []
    for run in log.between(days_back(log.as_of, 6), log.as_of):
        if run.is_none:
            continue
        if run.distance_mm is None:
            at_most.append(INFINITY)
            continue
        before = log.between(days_back(run.day, 30), days_back(run.day, 1))
        seen = [earlier.distance_mm for earlier in before if earlier.distance_mm is not None]
        bound = ratio(run.distance_mm, max(seen, default=0))
        at_most.append(bound)
        complete = log.holds(days_back(run.day, 30), days_back(run.day, 1)) and len(seen) == len(before)
        if complete:
            exact.append(bound)
    low, high = greatest(exact), greatest(at_most)
    return Number(low) if low == high else Between(low, high)


def week_distances_mm(log: Log | None, weekly: list[float | None] | None) -> Callable[[int], int | None]:
    """The distance of a week (0 is the last 7 days, 1 the week before), or None where it is not known."""

    def week_of_log(back: int) -> int | None:
        assert log is not None
        last = days_back(log.as_of, 7 * back)
        distances = [run.distance_mm for run in log.between(days_back(last, 6), last)]
        known = [distance for distance in distances if distance is not None]
        return sum(known) if len(known) == len(distances) else None

    def week_of_list(back: int) -> int | None:
        return thousandths(weekly[-1 - back]) if weekly is not None and back < len(weekly) else None

    return week_of_list if log is None else week_of_log


def week_is_observed(log: Log | None, weekly: list[float | None] | None, back: int) -> bool:
    """Whether every day of a week is observed, or the week stands in the list."""
    if log is not None:
        return log.holds(days_back(log.as_of, 7 * back + 6), days_back(log.as_of, 7 * back))
    return weekly is not None and back < len(weekly) and weekly[-1 - back] is not None


def progression(log: Log | None, weekly: list[float | None] | None) -> Reading:
    """The last 7 days over the mean of the observed ones of the 3 weeks before, of which there must be 2."""
    distance_mm = week_distances_mm(log, weekly)
    before = [back for back in (1, 2, 3) if week_is_observed(log, weekly, back)]
    if not week_is_observed(log, weekly, 0) or len(before) < 2:
        return UNKNOWN
    last, earlier = distance_mm(0), [distance_mm(back) for back in before]
    known = [distance for distance in earlier if distance is not None]
    if last is None or len(known) < len(earlier):
        return UNKNOWN
    return Number(ratio(last, Fraction(sum(known), len(known))))


def over_weeks(log: Log | None, weekly: list[float | None] | None, weeks: int) -> Reading:
    """The last 7 days over the mean of so many whole weeks before, all observed."""
    if not all(week_is_observed(log, weekly, back) for back in range(weeks + 1)):
        return UNKNOWN
    distances = [week_distances_mm(log, weekly)(back) for back in range(weeks + 1)]
    known = [distance for distance in distances if distance is not None]
    if len(known) < len(distances):
        return UNKNOWN
    return Number(ratio(known[0], Fraction(sum(known[1:]), weeks)))


def read_load(request: Wire, as_of: date) -> dict[str, Reading]:
    """What is known of the load features that a rule set may weigh."""
    training = request["training"]
    weekly, log = training.get("weekly_distance_m"), read_log(training, as_of)
    years = thousandths(request["runner"].get("running_years"))
    if years == 0:
        spike: Reading = NOT_APPLICABLE
    elif log is None:
        spike = NOT_APPLICABLE if weekly else UNKNOWN
    else:
        spike = spike_of_log(log)
    if years is None:
        novice: Reading = UNKNOWN
        unlogged: Reading = UNKNOWN
    else:
        novice = NOT_APPLICABLE if years >= 1000 else progression(log, weekly)
        unlogged = NOT_APPLICABLE if years < 1000 or log is not None else progression(None, weekly)
    return {
        "session_spike_ratio": spike,
        "weekly_progression_novice_ratio": novice,
        "weekly_progression_unlogged_ratio": unlogged,
        "acute_chronic_ratio": over_weeks(log, weekly, 4),
        "week_to_week_ratio": over_weeks(log, weekly, 1),
        **read_week(log, weekly),
    }


def days_since_run(log: Log) -> Reading:
    """Days since the last run; unknown where a later one may be missing from the log."""
    days = [run.day for run in log.runs if not run.is_none]
    if not days or not (max(days) == log.as_of or log.holds(max(days) + timedelta(days=1), log.as_of)):
        return UNKNOWN
    return Number(Fraction((log.as_of - max(days)).days))


def read_week(log: Log | None, weekly: list[float | None] | None) -> dict[str, Reading]:
    """What is known of the last 7 days as a whole; of a week that is not all observed, nothing."""
    observed = week_is_observed(log, weekly, 0)
    distance_mm = week_distances_mm(log, weekly)(0) if observed else None
    distance: Reading = UNKNOWN if distance_mm is None else Number(Fraction(distance_mm, 1000))
    if log is None or not observed:
        runs: list[Run] | None = None
    else:
        runs = [run for run in log.between(days_back(log.as_of, 6), log.as_of) if not run.is_none]
    durations = [UNKNOWN] if runs is None else [run.duration_ms for run in runs]
    minutes = [Fraction(duration, 60_000) for duration in durations if isinstance(duration, int)]
    return {
        "weekly_distance_m": distance,
        "weekly_duration_min": Number(sum(minutes, Fraction(0))) if len(minutes) == len(durations) else UNKNOWN,
        "weekly_running_days": UNKNOWN if runs is None else Number(Fraction(len({run.day for run in runs}))),
        "days_since_run": UNKNOWN if log is None else days_since_run(log),
    }
