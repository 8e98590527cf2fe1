"""What features read: a runner, and a training log counted once into integers.

At the door distances become whole millimetres and durations whole milliseconds, rounded half to even; sums and
comparisons of them are exact. Days are counted back from `as_of`: age 0 is that day, age 6 ends the last 7 days.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple, Self

from app.runners import Runner, ScoreRequest, Session, Training

SPIKE_DAYS = 7
BEFORE_DAYS = 30
AGES = SPIKE_DAYS + BEFORE_DAYS
"""Days that the counted log holds: the runs of the last 7, and 30 days before the oldest of them."""


def thousandths(quantity: float) -> int:
    """A quantity in whole thousandths of its unit, half to even: metres become millimetres, kilograms grams.

    >>> thousandths(9000.0005), thousandths(1.68)
    (9000000, 1680)
    """
    return round(quantity * 1000)


class CountedLog(NamedTuple):
    """A training log by day, youngest first: lists of `AGES` entries, index = days before `as_of`.

    Attributes:
        observed_age: the oldest age at which the log is complete; -1 when there is no log.
        longest_mm: longest run of the day, mm; 0 for a day of rest or before the log.
        distance_mm: sum of the day, mm.
        duration_ms: sum of the day, ms; 0 beyond 7 days, where no feature asks how long runs took.
        met_tenths_ms: sum over the day's runs of duration times metabolic equivalent, tenths of a MET times ms; as the
            durations.
        runs: runs of the day.
        unknown_distances: runs of the day whose distance is not known.
        unknown_durations: runs of the day whose duration is not known.
        last_run_age: age of the youngest run at any age, None when there is none.
        all_distances_known: whether no run in the list lacks its distance.
    """

    observed_age: int
    longest_mm: list[int]
    distance_mm: list[int]
    duration_ms: list[int]
    met_tenths_ms: list[int]
    runs: list[int]
    unknown_distances: list[int]
    unknown_durations: list[int]
    last_run_age: int | None
    all_distances_known: bool

    def distance_between(self, first: int, end: int) -> int | None:
        """Distance of the days aged `first` up to `end`, mm; None unless all are in the log with known distances."""
        if self.observed_age < end - 1 or not self.knows_distances(first, end):
            return None
        return sum(self.distance_mm[first:end])

    def knows_distances(self, first: int, end: int) -> bool:
        """Whether every run of the days aged `first` up to `end` has its distance."""
        return self.all_distances_known or not any(self.unknown_distances[first:end])

    def with_run_in(self, days: int, *, distance_mm: int, duration_ms: int | None) -> Self:
        """The same log seen some days later, with one more run on that day and rest in between."""
        lasted = duration_ms or 0
        met = lasted * met_tenths(distance_mm, lasted) if lasted else 0
        if days:
            rest = [0] * (days - 1)
            longest_mm = [distance_mm, *rest, *self.longest_mm[: AGES - days]]
        else:
            rest = None
            longest_mm = [max(distance_mm, self.longest_mm[0]), *self.longest_mm[1:]]
        return type(self)(
            self.observed_age + days,
            longest_mm,
            _with_run(self.distance_mm, distance_mm, rest),
            _with_run(self.duration_ms, lasted, rest),
            _with_run(self.met_tenths_ms, met, rest),
            _with_run(self.runs, 1, rest),
            _with_run(self.unknown_distances, 0, rest),
            _with_run(self.unknown_durations, int(duration_ms is None), rest),
            0,
            self.all_distances_known,
        )


def _with_run(by_day: list[int], run: int, rest: list[int] | None) -> list[int]:
    """The counts of a log with one more run today, `rest` before it; None where the log ends today already."""
    return [by_day[0] + run, *by_day[1:]] if rest is None else [run, *rest, *by_day[: AGES - 1 - len(rest)]]


# Compendium of Physical Activities 2024, running by speed: (from mph in tenths, MET in tenths). A speed between two
# rows takes the slower row; below the first row the activity is a walk and has no running value here.
MET_BY_SPEED: tuple[tuple[int, int], ...] = (
    (140, 230), (130, 198), (120, 185), (110, 168), (93, 148), (90, 130), (86, 125), (80, 120), (75, 118),
    (70, 110), (67, 105), (60, 93), (55, 90), (50, 85), (43, 78), (40, 65), (26, 33),
)  # fmt: skip
MET_JOG_GENERAL_TENTHS = 75
MS_PER_HOUR = 3_600_000


def met_tenths(distance_mm: int | None, duration_ms: int) -> int:
    """The metabolic equivalent of a run at its mean speed, in tenths of a MET.

    Args:
        distance_mm: None takes the general value for jogging.
        duration_ms: above 0.

    Returns:
        Tenths of a MET; 0 below 2.6 mph, which is a walk.

    Source: 2024 Adult Compendium of Physical Activities.

    >>> met_tenths(10_000_000, 3_600_000)  # 10 km/h is 6.2 mph
    93
    """
    if distance_mm is None:
        return MET_JOG_GENERAL_TENTHS
    travelled = distance_mm * MS_PER_HOUR * 10
    for mph_tenths, tenths in MET_BY_SPEED:
        if travelled >= mph_tenths * 1_609_344 * duration_ms:
            return tenths
    return 0


def count_log(
    sessions: Sequence[Session], days: Sequence[date], *, observed_from: date | None, as_of: date
) -> CountedLog:
    """Counts sessions into days; a session of 0 m is no run.

    Args:
        sessions: runs in any order, duplicates already dropped.
        days: the local day of each, same length and order.
        observed_from: since when the log is complete; None when there is no log.
        as_of: the day that ages count back from; later sessions are not expected.
    """
    longest = [0] * AGES
    distance = [0] * AGES
    duration = [0] * AGES
    met = [0] * AGES
    runs = [0] * AGES
    no_distance = [0] * AGES
    no_duration = [0] * AGES
    today = as_of.toordinal()
    last: int | None = None
    for session, day in zip(sessions, days, strict=True):
        age = today - day.toordinal()
        length = session.distance_m
        mm = None if length is None else round(length * 1000)
        if mm == 0:
            continue  # nothing was run
        if last is None or age < last:
            last = age
        if age >= AGES:
            continue
        runs[age] += 1
        if mm is None:
            no_distance[age] += 1
        else:
            distance[age] += mm
            if mm > longest[age]:
                longest[age] = mm
        lasted = session.duration_s
        if lasted is None:
            no_duration[age] += 1
        elif age < SPIKE_DAYS:
            ms = round(lasted * 1000)
            duration[age] += ms
            if ms:
                met[age] += ms * met_tenths(mm, ms)
    observed = -1 if observed_from is None else today - observed_from.toordinal()
    return CountedLog(
        observed, longest, distance, duration, met, runs, no_distance, no_duration, last, not any(no_distance)
    )


class Facts(NamedTuple):
    """All that a feature may read.

    Attributes:
        runner: the profile.
        training: as sent; features read only `weekly_distance_m` of it.
        log: the sessions, counted.
        has_log: whether sessions were given (an empty list with `observed_from` is a log of rest).
        as_of: the day of the score.
    """

    runner: Runner
    training: Training
    log: CountedLog
    has_log: bool
    as_of: date


def derive_facts(request: ScoreRequest, *, as_of: date) -> Facts:
    """Counts a request once, so that every feature reads the same numbers.

    Args:
        request: as `read_request` returns it: duplicates dropped, every session with its local day in `started_on`.
    """
    training = request.training
    sessions = training.sessions or ()
    has_log = bool(sessions) or (training.sessions is not None and training.observed_from is not None)
    days = [session.started_on or _day_of_start(session) for session in sessions]
    observed_from = training.observed_from
    if observed_from is None and days:
        observed_from = min(days)
    log = count_log(sessions, days, observed_from=observed_from if has_log else None, as_of=as_of)
    return Facts(request.runner, training, log, has_log, as_of)


def _day_of_start(session: Session) -> date:
    assert session.started_at is not None  # read_request refuses a session without a day
    return session.started_at.date()


def facts_from(wire: Mapping[str, object], *, as_of: str = "2026-11-23") -> Facts:
    """Facts of a request written as on the wire; `runner` and `training` may be left out. For examples and tests.

    >>> facts_from({"runner": {"sleep_hours": 6.5}}).runner.sleep_hours
    6.5
    """
    request = ScoreRequest.model_validate({"runner": {}, "training": {}, **wire}, strict=False)
    return derive_facts(request, as_of=date.fromisoformat(as_of))
