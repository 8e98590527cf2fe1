"""Training logs that stand on every side of every cut: what a runner would have to have run.

One log decides all features of the training at once, so they are not told feature by feature: a list of logs is made
around the cuts of a rule set, each is read, and whoever needs a runner picks among them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from pydantic import JsonValue

from app.rule_sets.cuts import probe_numbers, write_number

AS_OF: Final = date(2026, 11, 23)
"""The day of every request that is made up here; any day that has passed would do."""

USUAL_RUN_M: Final = 10_000
STEADY_M_PER_S: Final = Fraction(10_000, 3_600)
OBSERVED_DAYS: Final = 60
PARTLY_OBSERVED_DAYS: Final = 12
WEEK: Final = 7
WEEKS_BEFORE: Final = (9, 16, 23, 30)
RATIO_MOST: Final = 12
"""A week of this many times the usual one is as far as a log goes; a cut beyond it is met by running after a break."""

Log = dict[str, JsonValue]
Run = tuple[int, Fraction, Fraction | None]
"""Days ago, metres, and seconds where they matter."""


def make_logs(cuts: Mapping[str, Sequence[Fraction]]) -> list[Log]:
    """Training objects of a request, on both sides of every cut and on it; the plainest first, none twice.

    Args:
        cuts: for each feature of the training, where bands and conditions begin or end.
    """
    told: dict[str, Log] = {}
    for log in _make_all(cuts):
        told.setdefault(repr(log), log)
    return list(told.values())


def _make_all(cuts: Mapping[str, Sequence[Fraction]]) -> Iterator[Log]:
    spikes = _ratios(cuts, "session_spike_ratio")
    weekly = _ratios(
        cuts,
        "weekly_progression_novice_ratio",
        "weekly_progression_unlogged_ratio",
        "acute_chronic_ratio",
        "week_to_week_ratio",
    )
    yield from (_steady_with_last(ratio) for ratio in spikes)
    yield from (_more_of_the_same(ratio) for ratio in weekly)
    yield from (_weeks_alone(ratio) for ratio in weekly)
    yield _log([])
    yield _log([(2, Fraction(USUAL_RUN_M), None)])
    for ratio in spikes:
        yield _log([(23, Fraction(USUAL_RUN_M), None), (2, USUAL_RUN_M * ratio, None)])
        often = [(age, Fraction(USUAL_RUN_M), None) for age in range(WEEK, 5 * WEEK, 2)]
        yield _log([*often, (2, USUAL_RUN_M * ratio, None)])
        short = [(10, Fraction(USUAL_RUN_M), None), (2, USUAL_RUN_M * ratio, None)]
        yield _log(short, since=PARTLY_OBSERVED_DAYS)
        # The 30 days before the last run are all known, those before the other are not, and it is the greater.
        greater = 2 * ratio * USUAL_RUN_M
        yield _log([(25, Fraction(USUAL_RUN_M), None), (6, greater, None), (2, greater * ratio, None)], since=33)
    yield from _of_quantities(cuts)


def _of_quantities(cuts: Mapping[str, Sequence[Fraction]]) -> Iterator[Log]:
    """Logs by how much, how long, how often and how long ago."""
    for days in map(int, _probes(cuts, "days_since_run", most=365, usual=(0, 3, 10))):
        ages = [days + WEEK * week for week in range(5)]
        yield _log([(age, Fraction(USUAL_RUN_M), None) for age in ages], since=ages[-1] + OBSERVED_DAYS)
        earlier = [(age, Fraction(USUAL_RUN_M), None) for age in range(days + 1, days + 40, 2)]
        yield _log([(days, Fraction(USUAL_RUN_M * 3, 2), None), *earlier], since=days + OBSERVED_DAYS)
    for count in range(WEEK + 1):
        yield _log([(age, Fraction(USUAL_RUN_M), Fraction(3_600)) for age in range(count)])
    for metres in _probes(cuts, "weekly_distance_m", most=2_000_000, usual=(30_000,)):
        yield _log(_daily(metres / WEEK, None))
        yield {"weekly_distance_m": [write_number(metres)] * 4}
    for metres in _probes(cuts, "longest_run_30d_m", most=200_000, usual=()):
        yield _log([(age, metres, None) for age in WEEKS_BEFORE] + [(2, metres, None)])
    for minutes in _probes(cuts, "weekly_duration_min", most=5_000, usual=(0, 40, 180)):
        seconds = minutes * 60 / WEEK
        yield _log(_daily(seconds * STEADY_M_PER_S, seconds))
    for met_minutes in _probes(cuts, "weekly_met_min", most=40_000, usual=(1_000,)):
        seconds = met_minutes * 600 / 93 / WEEK  # 10 km/h are 9.3 MET
        yield _log(_daily(seconds * STEADY_M_PER_S, seconds))


def _ratios(cuts: Mapping[str, Sequence[Fraction]], *features: str) -> list[Fraction]:
    edges = sorted({cut for feature in features for cut in cuts.get(feature, ())})
    probed = probe_numbers(edges, lowest=Fraction(0), highest=Fraction(RATIO_MOST), step=Fraction(1, 1_000))
    return list(dict.fromkeys([Fraction(1), *probed]))


def _probes(
    cuts: Mapping[str, Sequence[Fraction]], feature: str, *, most: int, usual: Iterable[int]
) -> Iterator[Fraction]:
    probed = probe_numbers(cuts.get(feature, ()), lowest=Fraction(0), highest=Fraction(most), step=Fraction(1))
    yield from dict.fromkeys([*map(Fraction, usual), *(number for number in probed if cuts.get(feature))])


def _steady_with_last(ratio: Fraction) -> Log:
    """One usual run a week, and a last one of so many times that length."""
    return _log([*((age, Fraction(USUAL_RUN_M), None) for age in WEEKS_BEFORE), (2, USUAL_RUN_M * ratio, None)])


def _more_of_the_same(ratio: Fraction) -> Log:
    """One usual run a week, and a last week of so many times that distance in runs that are no longer."""
    runs: list[Run] = [(age, Fraction(USUAL_RUN_M), None) for age in WEEKS_BEFORE]
    left = USUAL_RUN_M * ratio
    for age in range(WEEK):
        length = min(left, Fraction(USUAL_RUN_M)) if age < WEEK - 1 else left
        if length > 0:
            runs.append((age, length, None))
        left -= length
    return _log(runs)


def _weeks_alone(ratio: Fraction) -> Log:
    """Weekly distances, the last of so many times the others."""
    return {"weekly_distance_m": [USUAL_RUN_M] * 4 + [write_number(USUAL_RUN_M * ratio)]}


def _daily(metres: Fraction, seconds: Fraction | None) -> list[Run]:
    return [(age, metres, seconds) for age in range(5 * WEEK + 2)]


def _log(runs: Sequence[Run], *, since: int = OBSERVED_DAYS) -> Log:
    """A log that is complete since so many days ago, oldest run first."""
    sessions: list[JsonValue] = []
    for age, metres, seconds in sorted(runs, key=lambda run: -run[0]):
        session: dict[str, JsonValue] = {"started_on": _day(age), "distance_m": write_number(metres)}
        sessions.append(session if seconds is None else {**session, "duration_s": write_number(seconds)})
    return {"observed_from": _day(since), "sessions": sessions}


def _day(age: int) -> str:
    return str(AS_OF - timedelta(days=age))
