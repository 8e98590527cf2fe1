"""What the features read of many runners: profiles in columns, and all training logs counted by day at once.

The twin of `facts.py`: the same whole millimetres and milliseconds on the same days.
"""

from functools import cached_property

import numpy as np

from app.features.facts import AGES, MET_BY_SPEED, MET_JOG_GENERAL_TENTHS, MS_PER_HOUR, SPIKE_DAYS
from app.runners.told_columns import FieldColumn, Mask, ToldColumns, Whole


class LogColumns:
    """Training logs by day, youngest first: arrays of one row a day before `as_of`, one column a runner.

    Attributes:
        observed_age: the oldest age at which the log is complete; -1 when there is no log.
        age, row: of every session that is a run.
    """

    def __init__(self, told: ToldColumns, has_log: Mask) -> None:
        sessions = told.sessions
        since = told.observed_from.numbers
        if not told.observed_from.told.all():
            first = np.full(told.row_count, np.iinfo(np.int64).max)
            np.minimum.at(first, sessions.row, sessions.day)
            since = np.where(told.observed_from.told, since, first)
        self.observed_age: Whole = np.where(has_log, told.as_of - np.where(has_log, since, 0), -1)
        self._row_count = told.row_count
        is_run = ~(sessions.distance.told & (sessions.distance.numbers == 0))
        every = bool(is_run.all())
        self.row: Whole = sessions.row if every else sessions.row[is_run]
        self.age: Whole = told.as_of[self.row] - (sessions.day if every else sessions.day[is_run])
        self._distance = _chosen(sessions.distance, None if every else is_run)
        self._duration = _chosen(sessions.duration, None if every else is_run)
        self._recent = (self.age < AGES).nonzero()[0]
        self._week = (self.age < SPIKE_DAYS).nonzero()[0]

    @cached_property
    def longest_mm(self) -> Whole:
        """Longest run of the day, mm; 0 for a day of rest or before the log."""
        return self._by_day(np.maximum)

    @cached_property
    def distance_mm(self) -> Whole:
        """Sum of the day, mm."""
        return self._by_day(np.add)

    @cached_property
    def unknown_distances(self) -> Mask | None:
        """Days with a run whose distance is not known; None when there is none at all."""
        unknown = (~self._distance.told & (self.age < AGES)).nonzero()[0]
        if not len(unknown):
            return None
        days = np.zeros((AGES, self._row_count), np.bool_)
        days[self.age[unknown], self.row[unknown]] = True
        return days

    @cached_property
    def last_run_age(self) -> FieldColumn:
        """Age of the youngest run at any age; not told when there is none."""
        youngest = np.full(self._row_count, np.iinfo(np.int64).max)
        np.minimum.at(youngest, self.row, self.age)
        ran = np.zeros(self._row_count, np.bool_)
        ran[self.row] = True
        return FieldColumn(np.where(ran, youngest, 0), ran)

    @cached_property
    def week_durations_known(self) -> Mask:
        """Whether every run of the last 7 days has its duration."""
        known = np.ones(self._row_count, np.bool_)
        known[self.row[self._week[~self._duration.told[self._week]]]] = False
        return known

    @cached_property
    def week_duration_ms(self) -> Whole:
        """Running time of the last 7 days, ms."""
        return self._week_sum(self._duration.numbers[self._week])

    @cached_property
    def week_met_tenths_ms(self) -> Whole:
        """Sum over the runs of the last 7 days of duration times metabolic equivalent, tenths of a MET times ms."""
        ms = self._duration.numbers[self._week]
        travelled = self._distance.numbers[self._week] * (MS_PER_HOUR * 10)
        tenths = np.zeros(len(ms), np.int64)
        for mph_tenths, met in reversed(MET_BY_SPEED):
            tenths[travelled >= mph_tenths * 1_609_344 * ms] = met
        tenths[~self._distance.told[self._week]] = MET_JOG_GENERAL_TENTHS
        return self._week_sum(ms * tenths)

    @cached_property
    def week_running_days(self) -> Whole:
        """Days with a run among the last 7."""
        ran = np.zeros((self._row_count, SPIKE_DAYS), np.bool_)
        ran[self.row[self._week], self.age[self._week]] = True
        days: Whole = ran.sum(axis=1, dtype=np.int64)
        return days

    def distance_between(self, first: int, end: int) -> FieldColumn:
        """Distance of the days aged `first` up to `end`, mm; told where all are in the log with known distances."""
        known = (self.observed_age >= end - 1) & self.knows_distances(first, end)
        return FieldColumn(np.where(known, self.distance_mm[first:end].sum(axis=0), 0), known)

    def knows_distances(self, first: int, end: int) -> Mask:
        """Whether every run of the days aged `first` up to `end` has its distance."""
        unknown = self.unknown_distances
        if unknown is None:
            return np.ones(self._row_count, np.bool_)
        known: Mask = np.logical_not(np.logical_or.reduce(unknown[first:end], axis=0))
        return known

    def _by_day(self, gather: np.ufunc) -> Whole:
        # Runner by runner, because sessions stand so; then turned, so that a day of all runners lies together.
        days = np.zeros((self._row_count, AGES), np.int64)
        place = self.row[self._recent] * AGES + self.age[self._recent]
        gather.at(days.reshape(-1), place, self._distance.numbers[self._recent])
        return np.ascontiguousarray(days.T)

    def _week_sum(self, amounts: Whole) -> Whole:
        sums = np.zeros(self._row_count, np.int64)
        np.add.at(sums, self.row[self._week], amounts)
        return sums


def _chosen(field: FieldColumn, which: Mask | None) -> FieldColumn:
    return field if which is None else FieldColumn(field.numbers[which], field.told[which])


class ColumnFacts:
    """All that a feature may read of a batch of runners.

    Attributes:
        has_log: whether sessions were given (an empty list with `observed_from` is a log of rest).
        lists_weeks: whether weekly distances were given.
    """

    def __init__(self, told: ToldColumns) -> None:
        self.told = told
        self.has_log: Mask = (told.session_counts > 0) | (told.sessions_told & told.observed_from.told)
        self.lists_weeks: Mask = told.week_counts > 0
        self.log = LogColumns(told, self.has_log)

    def field(self, path: str) -> FieldColumn:
        """A field of the profile, by its dotted path below the runner."""
        return self.told.fields[path]
