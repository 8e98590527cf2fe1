"""Rows that are plainly in order, read all at once; any other is odd, and left to the reader of single requests.

Odd is whatever might be a fault or might need a finding, and a little more; nothing is refused here. So the faults and
findings of a row are the same however it was read.
"""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.runners.cell_columns import (
    ArrowArray,
    Cells,
    Quantities,
    is_symptom_id,
    read_days,
    read_field,
    read_ids,
    read_lists,
    read_moments,
    read_quantities,
    told_in,
)
from app.runners.checks import (
    DAY_DOUBTFUL_M,
    PLAN_SURE_DAYS,
    SPEED_DOUBTFUL_M_PER_S,
    find_time_zone,
)
from app.runners.profile import SESSIONS_MAX, WEEKS_MAX, PlannedRun, Session, Training
from app.runners.requests import FIRST_DAY
from app.runners.told_columns import (
    EPOCH,
    SYMPTOM_OWNERS,
    WEEKS,
    FieldColumn,
    Kind,
    Mask,
    SessionColumns,
    SymptomColumns,
    ToldColumns,
    Whole,
    kind_of,
    nobody,
    profile_kinds,
    thousandths,
)

SYMPTOMS_MAX = 64
NEARLY_DOUBTFUL_M = DAY_DOUBTFUL_M - 1
"""Sums of floats may come out a hair apart; from here on a day is looked at more closely."""


def _bounds(model: type[Session | PlannedRun], name: str) -> Kind:
    field = model.model_fields[name]
    annotation = next(iter(get_args(field.annotation)), field.annotation)
    return kind_of(annotation, field)


_OF_SESSION = {name: _bounds(Session, name) for name in ("distance_m", "duration_s", "effort", "ascent_m")}
_OF_PLAN = {name: _bounds(PlannedRun, name) for name in ("distance_m", "duration_s")}
_WEEKS_TOLD = Training.model_fields["weekly_distance_m"]
_LIST_OF_WEEKS = get_args(_WEEKS_TOLD.annotation)[0]
_WEEK = kind_of(get_args(get_args(_LIST_OF_WEEKS)[0])[0], _WEEKS_TOLD)


class PlainRows(NamedTuple):
    """Columns of the rows that are plainly in order, and which rows are not."""

    columns: ToldColumns
    odd: Mask


class PlainReader:
    """Reads the columns of one batch, and gathers the rows that are odd.

    Args:
        leaves: cells by dotted path, structs taken apart.
    """

    def __init__(self, leaves: Mapping[str, ArrowArray], row_count: int) -> None:
        self.leaves = dict(leaves)
        self.blank = nobody(row_count)
        self.odd: Mask = np.zeros(row_count, np.bool_)

    def read(self, *, as_of: date | None, today: date) -> PlainRows:
        """Everything at once."""
        fields = {path: self._field(f"runner.{path}", profile_kinds()[path]) for path in self.blank.fields}
        symptoms = {owner: self._symptoms(owner) for owner in SYMPTOM_OWNERS}
        self._check_profile(fields)
        weeks, weeks_told, week_counts = self._weeks()
        sessions, sessions_told, session_counts, lengths_m = self._sessions()
        observed_from = self._days("training.observed_from")
        days = self._as_of(sessions, given=as_of, today=today)
        planned_on, planned = self._planned_run(days)
        self._time_zones()
        self._check_days(sessions, lengths_m, days)
        self.odd |= observed_from.told & (observed_from.numbers > days)
        # two accounts of the same weeks are compared one by one
        has_log = (session_counts > 0) | (sessions_told & observed_from.told)
        self.odd |= has_log & (week_counts > 0)
        for cells in self.leaves.values():
            self.odd |= told_in(cells)  # no field of the request, or not of this kind
        columns = ToldColumns(
            fields, symptoms, days, sessions, sessions_told, session_counts, weeks, weeks_told, week_counts,
            observed_from, planned_on, planned, {}, {}, 0,
        )  # fmt: skip
        return PlainRows(columns, self.odd)

    # --- the profile -------------------------------------------------------------------------------------------------

    def _field(self, path: str, kind: Kind) -> FieldColumn:
        cells = self.leaves.pop(path, None)
        if cells is None or pa.types.is_null(cells.type):
            return self.blank.observed_from
        return self._noting(read_field(cells, kind))

    def _noting(self, cells: Cells) -> FieldColumn:
        self.odd |= cells.odd
        return cells.field

    def _days(self, path: str) -> FieldColumn:
        cells = self.leaves.pop(path, None)
        return self.blank.observed_from if cells is None else self._noting(read_days(cells))

    def _symptoms(self, owner: str) -> SymptomColumns:
        path = f"runner.{owner}.symptoms" if owner else "runner.symptoms"
        lists = read_lists(self.leaves[path]) if path in self.leaves else None
        if lists is None:
            return self.blank.symptoms[owner]
        del self.leaves[path]
        self.odd |= lists.counts > SYMPTOMS_MAX
        row = lists.rows()
        ids = read_ids(lists.members, is_id=is_symptom_id)
        self.odd[row[ids.odd | (ids.codes < 0)]] = True
        place = np.arange(len(row)) - np.repeat(np.cumsum(lists.counts) - lists.counts, lists.counts)
        return SymptomColumns(lists.told, row, place, np.maximum(ids.codes, 0), tuple(ids.distinct))

    def _check_profile(self, fields: Mapping[str, FieldColumn]) -> None:
        for part in ("knee", "lower_back", "other_injury"):
            never = _is(fields[f"{part}.history"], "never", path=f"{part}.history")
            for name in ("months_since", "episodes"):
                if f"{part}.{name}" in fields:
                    self.odd |= never & (fields[f"{part}.{name}"].numbers > 0)
            if f"{part}.surgery" in fields:
                none = _is(fields[f"{part}.surgery"], "none", path=f"{part}.surgery")
                self.odd |= none & fields[f"{part}.surgery_months_since"].told

    # --- the training ------------------------------------------------------------------------------------------------

    def _weeks(self) -> tuple[tuple[FieldColumn, ...], Mask, Whole]:
        path = "training.weekly_distance_m"
        lists = read_lists(self.leaves[path]) if path in self.leaves else None
        if lists is None:
            return self.blank.weeks, self.blank.weeks_told, self.blank.week_counts
        del self.leaves[path]
        self.odd |= lists.counts > WEEKS_MAX
        metres = read_quantities(lists.members, low=_WEEK.low, high=_WEEK.high)
        self.odd[lists.rows()[metres.odd]] = True
        mm = np.append(thousandths(np.where(metres.odd, 0.0, metres.floats)), 0)
        told = np.append(metres.told, np.False_)
        ends = np.cumsum(lists.counts)
        weeks = []
        for age in range(1, WEEKS + 1):
            place = np.where(lists.counts >= age, ends - age, -1)
            weeks.append(FieldColumn(mm[place], told[place]))
        return tuple(weeks), lists.told, lists.counts

    def _sessions(self) -> tuple[SessionColumns, Mask, Whole, NDArray[np.float64]]:
        path = "training.sessions"
        lists = read_lists(self.leaves[path]) if path in self.leaves else None
        if lists is None or not pa.types.is_struct(lists.members.type):
            none = self.blank
            return none.sessions, none.sessions_told, none.session_counts, np.empty(0)
        del self.leaves[path]
        self.odd |= lists.counts > SESSIONS_MAX
        row = lists.rows()
        members = dict(zip((field.name for field in lists.members.type), lists.members.flatten(), strict=True))
        odd = ~told_in(lists.members)
        quantities: dict[str, Quantities] = {}
        for name, kind in _OF_SESSION.items():
            cells = members.pop(name, None)
            if cells is not None and not pa.types.is_null(cells.type):
                quantities[name] = read_quantities(cells, low=kind.low, high=kind.high)
                odd |= quantities[name].odd
        days = read_days(members.pop("started_on", pa.nulls(len(row), pa.date32())))
        starts = read_moments(members.pop("started_at", pa.nulls(len(row), pa.string())))
        odd |= days.odd | starts.odd | ~(days.field.told | starts.told)
        odd |= days.field.told & starts.told & (days.field.numbers != starts.day)
        ids = read_ids(members.pop("id", pa.nulls(len(row), pa.string())), is_id=lambda id_: 0 < len(id_) <= 128)
        odd |= ids.odd
        for cells in members.values():
            odd |= told_in(cells)  # no member of a session
        untold = _untold(len(row))
        metres, seconds = quantities.get("distance_m", untold), quantities.get("duration_s", untold)
        odd |= seconds.told & (metres.floats > SPEED_DOUBTFUL_M_PER_S * seconds.floats)
        odd |= metres.floats >= NEARLY_DOUBTFUL_M
        self.odd[row[odd]] = True
        self._check_twice(ids.codes, row, ids.codes >= 0)
        self._check_twice(starts.utc_s, row, starts.told & ~starts.odd)
        sessions = SessionColumns(
            row,
            np.where(days.field.told, days.field.numbers, starts.day),
            FieldColumn(thousandths(np.where(metres.odd, 0.0, metres.floats)), metres.told),
            FieldColumn(thousandths(np.where(seconds.odd, 0.0, seconds.floats)), seconds.told),
        )
        return sessions, lists.told, lists.counts, metres.floats

    def _check_twice(self, marks: Whole, row: Whole, given: Mask) -> None:
        """Rows in which two sessions bear one mark, an id or a start: they may be one session."""
        if not given.any():
            return
        own = marks[given] - marks[given].min()
        width = int(own.max()) + 1
        placed = np.sort(row[given] * width + own)
        self.odd[placed[1:][placed[1:] == placed[:-1]] // width] = True

    def _as_of(self, sessions: SessionColumns, *, given: date | None, today: date) -> Whole:
        own = self._days("as_of")
        tomorrow = today.toordinal() - EPOCH + 1
        if given is not None:
            days = np.where(own.told, own.numbers, given.toordinal() - EPOCH)
            self.odd |= (days < FIRST_DAY.toordinal() - EPOCH) | (days > tomorrow)
            return days
        last = np.full(len(self.odd), tomorrow - 1)
        near = sessions.day <= tomorrow
        np.maximum.at(last, sessions.row[near], sessions.day[near])
        days = np.where(own.told, own.numbers, last)
        self.odd |= (days < FIRST_DAY.toordinal() - EPOCH) | (days > tomorrow)
        return days

    def _planned_run(self, as_of: Whole) -> tuple[FieldColumn, FieldColumn]:
        on = self._days("training.planned_run.on")
        metres = self._quantities("training.planned_run.distance_m", _OF_PLAN["distance_m"])
        seconds = self._quantities("training.planned_run.duration_s", _OF_PLAN["duration_s"])
        self.odd |= (on.told | seconds.told) & ~metres.told
        self.odd |= on.told & ((on.numbers < as_of) | (on.numbers > as_of + PLAN_SURE_DAYS))
        self.odd |= seconds.told & (metres.floats > SPEED_DOUBTFUL_M_PER_S * seconds.floats)
        return on, FieldColumn(thousandths(np.where(metres.odd, 0.0, metres.floats)), metres.told)

    def _quantities(self, path: str, kind: Kind) -> Quantities:
        cells = self.leaves.pop(path, None)
        if cells is None or pa.types.is_null(cells.type):
            return Quantities(
                np.zeros(len(self.odd)), np.zeros(len(self.odd), np.bool_), np.zeros(len(self.odd), np.bool_)
            )
        found = read_quantities(cells, low=kind.low, high=kind.high)
        self.odd |= found.odd
        return found

    def _time_zones(self) -> None:
        cells = self.leaves.pop("training.time_zone", None)
        if cells is not None:
            self.odd |= read_ids(cells, is_id=lambda name: find_time_zone(name, []) is not None).odd

    def _check_days(self, sessions: SessionColumns, lengths_m: NDArray[np.float64], as_of: Whole) -> None:
        """Rows with a session after the day of the score, or with two of a day that might be one, or add up to much."""
        row, day = sessions.row, sessions.day
        self.odd[row[day > as_of[row]]] = True
        chosen = _may_share_a_day(row, day, len(self.odd))
        if not chosen.any():
            return
        row, day = row[chosen], day[chosen]
        mm, ms = sessions.distance.numbers[chosen], sessions.duration.numbers[chosen]
        order = np.lexsort((ms, mm, day, row))
        row, day, mm, ms = row[order], day[order], mm[order], ms[order]
        of_one_day = (row[1:] == row[:-1]) & (day[1:] == day[:-1])
        # what is alike in whole millimetres may be alike in metres
        self.odd[row[1:][of_one_day & (mm[1:] == mm[:-1]) & (ms[1:] == ms[:-1])]] = True
        starts = np.concatenate(([0], (~of_one_day).nonzero()[0] + 1))
        metres = np.add.reduceat(lengths_m[chosen][order], starts)
        self.odd[row[starts][metres >= NEARLY_DOUBTFUL_M]] = True


def _untold(count: int) -> Quantities:
    return Quantities(np.zeros(count), np.zeros(count, np.bool_), np.zeros(count, np.bool_))


def _is(field: FieldColumn, choice: str, *, path: str) -> Mask:
    same: Mask = field.numbers == profile_kinds()[path].choices.index(choice)
    return field.told & same


def _may_share_a_day(row: Whole, day: Whole, row_count: int) -> Mask:
    """Sessions whose day may come twice; most logs are in order, so that only neighbours have to be looked at."""
    within = row[1:] == row[:-1]
    step = np.where(within, day[1:] - day[:-1], 0)
    later = row[1:]
    rises, falls = np.zeros(row_count, np.bool_), np.zeros(row_count, np.bool_)
    rises[later[step > 0]] = True
    falls[later[step < 0]] = True
    found: Mask = (rises & falls)[row]
    beside = within & (step == 0)
    found[1:] |= beside
    found[:-1] |= beside
    return found
