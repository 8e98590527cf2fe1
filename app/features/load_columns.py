"""The twins of the features of the training log; what each means is said in `load.py`."""

import numpy as np

from app.features.facts import BEFORE_DAYS, SPIKE_DAYS
from app.features.load import NOVICE_YEARS_THOUSANDTHS, WEEK
from app.features.log_columns import ColumnFacts
from app.features.reading_columns import (
    BETWEEN,
    NOT_APPLICABLE,
    NUMBER,
    UNBOUNDED,
    UNKNOWN,
    RatioColumn,
    ReadingColumn,
    kinds,
)
from app.runners.told_columns import FieldColumn, Mask, Whole


def _over(numerator: Whole, denominator: Whole) -> RatioColumn:
    """A ratio of two sums; nothing over nothing is 0."""
    return RatioColumn(numerator, np.where((numerator == 0) & (denominator == 0), 1, denominator))


def _longest_before(longest_mm: Whole) -> list[Whole]:
    """Of each of the last 7 days, the longest run of the 30 days before it: the windows share most of their days."""
    shared = longest_mm[SPIKE_DAYS : BEFORE_DAYS + 1].max(axis=0)
    before: list[Whole] = []
    for age in range(SPIKE_DAYS):
        younger, older = longest_mm[age + 1 : SPIKE_DAYS], longest_mm[BEFORE_DAYS + 1 : age + 1 + BEFORE_DAYS]
        before.append(np.maximum.reduce([shared, *younger, *older]))
    return before


def session_spike_ratio(facts: ColumnFacts) -> ReadingColumn:
    """As `load.session_spike_ratio`."""
    log = facts.log
    rows = len(facts.has_log)
    exact = RatioColumn(np.zeros(rows, np.int64), np.ones(rows, np.int64))
    upper = exact
    bounded = log.knows_distances(0, SPIKE_DAYS)
    for age, before in enumerate(_longest_before(log.longest_mm)):
        run = log.longest_mm[age]
        end = age + 1 + BEFORE_DAYS
        complete = (log.observed_age >= end - 1) & log.knows_distances(age + 1, end)
        ran = run > 0
        exact = _greater(exact, run, before, where=ran & complete)
        endless = ran & ~complete & (before == 0)
        bounded &= ~endless
        upper = _greater(upper, run, before, where=ran & ~endless)
    alike = (exact.numerator == upper.numerator) & (exact.denominator == upper.denominator)
    kind = kinds(where=bounded & alike, kind=NUMBER, otherwise=BETWEEN)
    kind = kinds(where=log.observed_age < SPIKE_DAYS - 1, kind=UNKNOWN, otherwise=kind)
    kind = np.where(facts.has_log, kind, np.where(facts.lists_weeks, NOT_APPLICABLE, UNKNOWN))
    years = facts.field("running_years")
    kind = kinds(where=years.told & (years.numbers == 0), kind=NOT_APPLICABLE, otherwise=kind)
    high = RatioColumn(upper.numerator, np.where(bounded, upper.denominator, UNBOUNDED))
    return ReadingColumn(kind, exact, high)


def _greater(one: RatioColumn, numerator: Whole, denominator: Whole, *, where: Mask) -> RatioColumn:
    """The greater of two ratios, the first where they are equal; only in some rows is there a second."""
    greater = where & (numerator * one.denominator > one.numerator * denominator)
    return RatioColumn(np.where(greater, numerator, one.numerator), np.where(greater, denominator, one.denominator))


def _week(facts: ColumnFacts, number: int) -> FieldColumn:
    """Distance of one of the last weeks, the youngest is 0, mm; not told where it is not wholly known."""
    logged = facts.log.distance_between(WEEK * number, WEEK * (number + 1))
    if facts.has_log.all():
        return logged
    listed = facts.told.weeks[number]
    return FieldColumn(
        np.where(facts.has_log, logged.numbers, listed.numbers), np.where(facts.has_log, logged.told, listed.told)
    )


def _progression(facts: ColumnFacts) -> tuple[RatioColumn, Mask]:
    """The last week over the mean of the three before, and where it is known."""
    last, *before = (_week(facts, number) for number in range(4))
    known_count = np.sum([week.told for week in before], axis=0)
    # weeks before the log are left out; a week in the log with an unknown distance is not
    in_log = np.minimum(4, (facts.log.observed_age + 1) // WEEK)
    known = last.told & (known_count >= 2) & ~(facts.has_log & (known_count < in_log - 1))
    total = np.sum([week.numbers for week in before], axis=0)
    return _over(last.numbers * known_count, total), known


def weekly_progression_novice_ratio(facts: ColumnFacts) -> ReadingColumn:
    """As `load.weekly_progression_novice_ratio`."""
    years = facts.field("running_years")
    ratio, known = _progression(facts)
    kind = kinds(where=years.numbers >= NOVICE_YEARS_THOUSANDTHS, kind=NOT_APPLICABLE, otherwise=kinds(where=known))
    return ReadingColumn(np.where(years.told, kind, UNKNOWN), ratio)


def weekly_progression_unlogged_ratio(facts: ColumnFacts) -> ReadingColumn:
    """As `load.weekly_progression_unlogged_ratio`."""
    years = facts.field("running_years")
    ratio, known = _progression(facts)
    elsewhere = facts.has_log | (years.numbers < NOVICE_YEARS_THOUSANDTHS)
    kind = kinds(where=elsewhere, kind=NOT_APPLICABLE, otherwise=kinds(where=known))
    return ReadingColumn(np.where(years.told, kind, UNKNOWN), ratio)


def acute_chronic_ratio(facts: ColumnFacts) -> ReadingColumn:
    """As `load.acute_chronic_ratio`."""
    last = _week(facts, 0)
    logged = facts.log.distance_between(WEEK, 5 * WEEK)
    listed = facts.told.weeks[1:5]
    before = np.where(facts.has_log, logged.numbers, np.sum([week.numbers for week in listed], axis=0))
    known = last.told & np.where(facts.has_log, logged.told, np.all([week.told for week in listed], axis=0))
    return ReadingColumn(kinds(where=known), _over(last.numbers * 4, before))


def week_to_week_ratio(facts: ColumnFacts) -> ReadingColumn:
    """As `load.week_to_week_ratio`."""
    last, before = _week(facts, 0), _week(facts, 1)
    return ReadingColumn(kinds(where=last.told & before.told), _over(last.numbers, before.numbers))


def weekly_distance_m(facts: ColumnFacts) -> ReadingColumn:
    """As `load.weekly_distance_m`."""
    last = _week(facts, 0)
    return ReadingColumn(kinds(where=last.told), RatioColumn(last.numbers, 1000))


def _week_is_observed(facts: ColumnFacts) -> Mask:
    return facts.log.observed_age >= WEEK - 1


def weekly_duration_min(facts: ColumnFacts) -> ReadingColumn:
    """As `load.weekly_duration_min`."""
    known = _week_is_observed(facts) & facts.log.week_durations_known
    return ReadingColumn(kinds(where=known), RatioColumn(facts.log.week_duration_ms, 60_000))


def weekly_met_min(facts: ColumnFacts) -> ReadingColumn:
    """As `load.weekly_met_min`."""
    known = _week_is_observed(facts) & facts.log.week_durations_known
    return ReadingColumn(kinds(where=known), RatioColumn(facts.log.week_met_tenths_ms, 600_000))


def weekly_running_days(facts: ColumnFacts) -> ReadingColumn:
    """As `load.weekly_running_days`."""
    return ReadingColumn(kinds(where=_week_is_observed(facts)), RatioColumn(facts.log.week_running_days, 1))


def days_since_run(facts: ColumnFacts) -> ReadingColumn:
    """As `load.days_since_run`."""
    last = facts.log.last_run_age
    known = last.told & (last.numbers <= facts.log.observed_age + 1)
    return ReadingColumn(kinds(where=known), RatioColumn(last.numbers, 1))


def longest_run_30d_m(facts: ColumnFacts) -> ReadingColumn:
    """As `load.longest_run_30d_m`."""
    log = facts.log
    known = (log.observed_age >= BEFORE_DAYS - 1) & log.knows_distances(0, BEFORE_DAYS)
    return ReadingColumn(kinds(where=known), RatioColumn(log.longest_mm[:BEFORE_DAYS].max(axis=0), 1000))


def longest_before(facts: ColumnFacts, *, days_ahead: Whole) -> FieldColumn:
    """As `load.longest_before`, seen so many days later with rest in between, mm; told where it is known.

    Args:
        days_ahead: from 0; what a run of that later day itself is does not count.
    """
    log = facts.log
    known = log.observed_age + days_ahead >= BEFORE_DAYS
    longest = np.zeros(len(known), np.int64)
    for ahead in np.unique(days_ahead):
        first, end = max(0, 1 - int(ahead)), max(0, 1 + BEFORE_DAYS - int(ahead))
        rows = days_ahead == ahead
        known &= ~rows | log.knows_distances(first, end)
        if first < end:
            longest[rows] = log.longest_mm[first:end, rows].max(axis=0)
    return FieldColumn(longest, known)
