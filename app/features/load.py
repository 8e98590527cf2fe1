"""Features of the training log: how long, how often, how suddenly.

Rest and unknown are different days: a day since `observed_from` without a run is rest, a day before it is unknown.
All ratios are of whole millimetres, so they are exact.
"""

from app.features.facts import AGES, BEFORE_DAYS, SPIKE_DAYS, CountedLog, Facts, thousandths
from app.features.reading import NOT_APPLICABLE, Between, Ratio, Reading

NOVICE_YEARS_THOUSANDTHS = 1000
WEEK = 7


def _over(numerator: int, denominator: int) -> Ratio:
    """A ratio of two sums; nothing over nothing is 0."""
    return (numerator, denominator) if numerator or denominator else (0, 1)


def _is_greater(one: Ratio, other: Ratio) -> bool:
    """Whether one ratio is the greater; a denominator of 0 makes one greater than any number."""
    return one[0] * other[1] > other[0] * one[1]


def session_spike_ratio(facts: Facts) -> Reading:
    """The largest of (a run of the last 7 days over the longest run of the 30 days before that run's day).

    Returns:
        Ratio, from 0 (no run in the 7 days). Beyond every edge after 30 observed days without a run. `Between` while
        the 30 days before are not all in the log, since more history can only lower the ratio. None (unknown) unless
        the last 7 days are all in the log. Not applicable to a first-ever runner (0 years), or where only weekly
        distances are known.

    Needs: 37 days.

    Source: Frandsen 2025, doi 10.1136/bjsports-2024-109380; the look-back of 7 days is ours.

    >>> from app.features.facts import facts_from
    >>> sessions = [
    ...     {"started_on": "2026-10-01", "distance_m": 10000},
    ...     {"started_on": "2026-11-01", "distance_m": 10000},
    ...     {"started_on": "2026-11-20", "distance_m": 15000},
    ... ]
    >>> session_spike_ratio(facts_from({"training": {"sessions": sessions}}))
    (15000000, 10000000)
    """
    years = facts.runner.running_years
    if years is not None and thousandths(years) == 0:
        return NOT_APPLICABLE
    if not facts.has_log:
        return NOT_APPLICABLE if facts.training.weekly_distance_m else None
    log = facts.log
    if log.observed_age < SPIKE_DAYS - 1:
        return None
    if log.all_distances_known and log.observed_age >= AGES - 1:
        return _spike_of_whole_log(log)
    exact: Ratio = (0, 1)
    upper: Ratio = (0, 1)
    bounded = True
    longest = log.longest_mm
    unknown = log.unknown_distances
    for age in range(SPIKE_DAYS):
        if unknown[age]:
            bounded = False
        run = longest[age]
        if not run:
            continue
        first, end = age + 1, age + 1 + BEFORE_DAYS
        before = max(longest[first:end])
        ratio = (run, before)
        complete = log.observed_age >= end - 1 and log.knows_distances(first, end)
        if complete and _is_greater(ratio, exact):
            exact = ratio
        if not complete and before == 0:
            bounded = False
        elif _is_greater(ratio, upper):
            upper = ratio
    if not bounded:
        return Between(exact, None)
    return exact if upper == exact else Between(exact, upper)


def _spike_of_whole_log(log: CountedLog) -> Ratio:
    """The same where all 37 days and every distance in them are known, as of most logs: one ratio, and no doubt."""
    spike, over = 0, 1
    longest = log.longest_mm
    for age in range(SPIKE_DAYS):
        run = longest[age]
        if run:
            before = max(longest[age + 1 : age + 1 + BEFORE_DAYS])
            if run * over > spike * before:
                spike, over = run, before
    return (spike, over)


def _weeks_mm(facts: Facts, *, count: int) -> list[int | None]:
    """Distances of the last 7 days and of the weeks before, mm, youngest first; None where not wholly known."""
    if facts.has_log:
        return [facts.log.distance_between(WEEK * week, WEEK * (week + 1)) for week in range(count)]
    listed = facts.training.weekly_distance_m or []
    weeks = [None if metres is None else round(metres * 1000) for metres in listed[: -count - 1 : -1]]
    return [*weeks, *[None] * (count - len(weeks))]


def _progression(facts: Facts) -> Reading:
    count = 4
    if facts.has_log:  # weeks before the log are left out; a week in the log with an unknown distance is not
        count = min(count, (facts.log.observed_age + 1) // WEEK)
    last, *before = _weeks_mm(facts, count=count) or [None]
    known = [mm for mm in before if mm is not None]
    if last is None or len(known) < 2 or (facts.has_log and len(known) < len(before)):
        return None
    return _over(last * len(known), sum(known))


def weekly_progression_novice_ratio(facts: Facts) -> Reading:
    """For runners in their first year: the last 7 days over the mean of the up to 3 complete weeks before.

    Returns:
        Ratio of distances, from 0; beyond every edge after weeks without any running. None when the experience, the
        last 7 days or two of the three weeks before are unknown, or a distance in them is. Not applicable from one year
        of running on.

    Needs: 21 to 28 days.

    Source: the progression groups of Nielsen 2014, doi 10.2519/jospt.2014.5164; the window of three weeks is ours.

    >>> from app.features.facts import facts_from
    >>> weekly_progression_novice_ratio(facts_from({"runner": {"running_years": 0.5},
    ...     "training": {"weekly_distance_m": [10000, 10000, 10000, 14000]}}))
    (42000000, 30000000)
    """
    years = facts.runner.running_years
    if years is None:
        return None
    if thousandths(years) >= NOVICE_YEARS_THOUSANDTHS:
        return NOT_APPLICABLE
    return _progression(facts)


def weekly_progression_unlogged_ratio(facts: Facts) -> Reading:
    """For runners past their first year of whom only weekly distances are known: the same ratio.

    Returns:
        As for novices. Not applicable in the first year, or where sessions are known. None when the experience is.

    Needs: 21 to 28 days.

    Source: as `weekly_progression_novice_ratio`.

    >>> from app.features.facts import facts_from
    >>> weekly_progression_unlogged_ratio(facts_from({"runner": {"running_years": 3},
    ...     "training": {"weekly_distance_m": [20000, 20000, 20000]}}))
    (40000000, 40000000)
    """
    years = facts.runner.running_years
    if years is None:
        return None
    if facts.has_log or thousandths(years) < NOVICE_YEARS_THOUSANDTHS:
        return NOT_APPLICABLE
    return _progression(facts)


def acute_chronic_ratio(facts: Facts) -> Reading:
    """The last 7 days over the weekly mean of the 28 days before (uncoupled). Shown, never scored.

    Returns:
        Ratio of distances, from 0. None unless all 35 days are known.

    Needs: 35 days.

    Source: definition discussed in Impellizzeri 2021, doi 10.1007/s40279-020-01378-6.

    >>> from app.features.facts import facts_from
    >>> acute_chronic_ratio(facts_from({"training": {"weekly_distance_m": [8000, 10000, 10000, 12000, 15000]}}))
    (60000000, 40000000)
    """
    if facts.has_log:
        last: int | None = facts.log.distance_between(0, WEEK)
        before: int | None = facts.log.distance_between(WEEK, 5 * WEEK)
    else:
        listed = facts.training.weekly_distance_m or []
        if len(listed) < 5:
            return None
        weeks = [None if metres is None else round(metres * 1000) for metres in listed[-5:]]
        last = weeks[-1]
        before = None if None in weeks[:4] else sum(mm for mm in weeks[:4] if mm is not None)
    if last is None or before is None:
        return None
    return _over(last * 4, before)


def week_to_week_ratio(facts: Facts) -> Reading:
    """The last 7 days over the 7 days before. Shown, never scored.

    Returns:
        Ratio of distances, from 0. None unless both weeks are known.

    Needs: 14 days.

    Source: Frandsen 2025, doi 10.1136/bjsports-2024-109380.

    >>> from app.features.facts import facts_from
    >>> week_to_week_ratio(facts_from({"training": {"weekly_distance_m": [10000, 12000]}}))
    (12000000, 10000000)
    """
    last, before = _weeks_mm(facts, count=2)
    return None if last is None or before is None else _over(last, before)


def weekly_distance_m(facts: Facts) -> Reading:
    """Distance of the last 7 days, metres (in thousandths). Shown, never scored. Needs: 7 days.

    Source: our definition.

    >>> from app.features.facts import facts_from
    >>> weekly_distance_m(facts_from({"training": {"weekly_distance_m": [12000.5]}}))
    (12000500, 1000)
    """
    (mm,) = _weeks_mm(facts, count=1)
    return None if mm is None else (mm, 1000)


def _week_is_observed(log: CountedLog) -> bool:
    return log.observed_age >= WEEK - 1


def weekly_duration_min(facts: Facts) -> Reading:
    """Running time of the last 7 days, minutes (as ms over 60 000). Needs: 7 days with every duration.

    Source: our definition; compared with the World Health Organization's weekly minutes.

    >>> from app.features.facts import facts_from
    >>> weekly_duration_min(facts_from({"training": {"observed_from": "2026-11-01",
    ...     "sessions": [{"started_on": "2026-11-20", "duration_s": 3000}]}}))
    (3000000, 60000)
    """
    log = facts.log
    if not _week_is_observed(log) or any(log.unknown_durations[:WEEK]):
        return None
    return (sum(log.duration_ms[:WEEK]), 60_000)


def weekly_met_min(facts: Facts) -> Reading:
    """MET-minutes of running in the last 7 days (metabolic equivalent times minutes). Needs: 7 days, every duration.

    Source: 2024 Adult Compendium of Physical Activities; a run without distance takes the general value for jogging.

    >>> from app.features.facts import facts_from
    >>> weekly_met_min(facts_from({"training": {"observed_from": "2026-11-01",
    ...     "sessions": [{"started_on": "2026-11-20", "distance_m": 10000, "duration_s": 3600}]}}))
    (334800000, 600000)
    """
    log = facts.log
    if not _week_is_observed(log) or any(log.unknown_durations[:WEEK]):
        return None
    return (sum(log.met_tenths_ms[:WEEK]), 600_000)


def weekly_running_days(facts: Facts) -> Reading:
    """Days with a run among the last 7. Needs: 7 days.

    Source: our definition.

    >>> from app.features.facts import facts_from
    >>> weekly_running_days(facts_from({"training": {"observed_from": "2026-11-01",
    ...     "sessions": [{"started_on": "2026-11-20"}, {"started_on": "2026-11-20"}]}}))
    (1, 1)
    """
    log = facts.log
    return (WEEK - log.runs[:WEEK].count(0), 1) if _week_is_observed(log) else None


def days_since_run(facts: Facts) -> Reading:
    """Days since the last run in the log; 0 when it is of the day itself. None unless the days since are in the log.

    Source: our definition.

    >>> from app.features.facts import facts_from
    >>> days_since_run(facts_from({"training": {"sessions": [{"started_on": "2026-11-20"}]}}))
    (3, 1)
    """
    age = facts.log.last_run_age
    return None if age is None or age > facts.log.observed_age + 1 else (age, 1)


def longest_run_30d_m(facts: Facts) -> Reading:
    """The longest run of the last 30 days, metres (in thousandths). Needs: 30 days with every distance.

    Source: Frandsen 2025, doi 10.1136/bjsports-2024-109380.

    >>> from app.features.facts import facts_from
    >>> longest_run_30d_m(facts_from({"training": {"observed_from": "2026-10-01",
    ...     "sessions": [{"started_on": "2026-11-20", "distance_m": 9000}]}}))
    (9000000, 1000)
    """
    log = facts.log
    if log.observed_age < BEFORE_DAYS - 1 or not log.knows_distances(0, BEFORE_DAYS):
        return None
    return (max(log.longest_mm[:BEFORE_DAYS]), 1000)


def longest_before(log: CountedLog) -> int | None:
    """The longest run of the 30 days before the log's day, that day excluded, mm; None unless all are known.

    >>> from app.features.facts import facts_from
    >>> longest_before(facts_from({"training": {"observed_from": "2026-10-01",
    ...     "sessions": [{"started_on": "2026-11-23", "distance_m": 9000}]}}).log)
    0
    """
    first, end = 1, 1 + BEFORE_DAYS
    if log.observed_age < end - 1 or not log.knows_distances(first, end):
        return None
    return max(log.longest_mm[first:end])


assert AGES >= 5 * WEEK  # acute_chronic_ratio reads five weeks
