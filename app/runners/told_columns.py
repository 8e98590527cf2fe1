"""What many runners told, in flat arrays: the request as the column evaluator reads it.

The fields, their bounds and their choices are those of the request's own models, so that there is one definition.
Numbers are whole here: counts as they are, quantities in thousandths of their unit, choices by their place, yes as 1.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias, get_args, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.errors import Fault
from app.runners.profile import Runner
from app.runners.requests import ReadRequest

Whole: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

WEEKS = 5
"""Weeks that features read of the weekly distances."""
SYMPTOM_OWNERS = ("knee", "lower_back", "")
"""Parts of the profile that list symptoms, in the order in which they are looked at; "" is the runner."""


class Kind(NamedTuple):
    """What the model lets one field of the profile hold.

    Attributes:
        low, high: bounds of a number, both included.
        choices: of a choice, in the order of the model.
    """

    sort: Literal["whole", "number", "choice", "yes_no", "symptoms"]
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()


@cache
def profile_kinds() -> dict[str, Kind]:
    """Every field of the profile by its dotted path below the runner, in the order of the model.

    >>> profile_kinds()["shoes.pairs"]
    Kind(sort='whole', low=0, high=100, choices=())
    """
    return dict(_kinds_of(Runner))


def _kinds_of(model: type[BaseModel], stem: str = "") -> Iterator[tuple[str, Kind]]:
    for name, field in model.model_fields.items():
        (annotation,) = (part for part in get_args(field.annotation) if part is not type(None))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _kinds_of(annotation, f"{stem}{name}.")
        else:
            yield f"{stem}{name}", kind_of(annotation, field)


def kind_of(annotation: Any, field: FieldInfo) -> Kind:
    """The kind of a field, from its annotation without `None`, and the bounds in or beside it."""
    if get_origin(annotation) is Literal:
        return Kind("choice", choices=get_args(annotation))
    if annotation is bool:
        return Kind("yes_no")
    inner, *beside = get_args(annotation) if hasattr(annotation, "__metadata__") else (annotation,)
    if get_origin(inner) is list:
        return Kind("symptoms")
    bounds = [bound for part in beside if isinstance(part, FieldInfo) for bound in part.metadata] + field.metadata
    low = next(bound.ge for bound in bounds if hasattr(bound, "ge"))
    high = next(bound.le for bound in bounds if hasattr(bound, "le"))
    return Kind("whole" if inner is int else "number", low, high)


class FieldColumn(NamedTuple):
    """One field of every runner: its number, and whether it was told (its number is 0 where it was not)."""

    numbers: Whole
    told: Mask


class SessionColumns(NamedTuple):
    """The sessions of all runners, one after the other, those that count once and no others.

    Attributes:
        row: whose it is.
        day: local day, as days since 1970-01-01.
        distance: mm.
        duration: ms.
    """

    row: Whole
    day: Whole
    distance: FieldColumn
    duration: FieldColumn


class SymptomColumns(NamedTuple):
    """The symptoms of one part of the profile, one after the other.

    Attributes:
        told: of every row, whether the runner was asked.
        row: whose a symptom is.
        place: its place in the runner's list.
        code: its place in `ids`.
    """

    told: Mask
    row: Whole
    place: Whole
    code: Whole
    ids: tuple[str, ...]


class ToldColumns(NamedTuple):
    """Everything that a batch of runners told; of a row that was refused, nothing.

    Attributes:
        fields: by dotted path below the runner, symptoms apart.
        symptoms: by owner.
        as_of: the day of each score, resolved.
        sessions_told: whether there is a list of sessions, were it empty.
        session_counts: sessions in that list.
        weeks: mm of the last weeks, youngest first, `WEEKS` columns.
        weeks_told: whether there is a list of weekly distances, were it empty.
        week_counts: its length.
        observed_from: day number.
        planned_on: day number of the planned run; not told where it has none of its own.
        planned: mm of the planned run.
        refused: first fault of each row that cannot be scored.
        findings: codes of the doubts that were found while reading, of the rows that have any.
        single_count: rows that were read one by one.
    """

    fields: dict[str, FieldColumn]
    symptoms: dict[str, SymptomColumns]
    as_of: Whole
    sessions: SessionColumns
    sessions_told: Mask
    session_counts: Whole
    weeks: tuple[FieldColumn, ...]
    weeks_told: Mask
    week_counts: Whole
    observed_from: FieldColumn
    planned_on: FieldColumn
    planned: FieldColumn
    refused: dict[int, Fault]
    findings: dict[int, tuple[str, ...]]
    single_count: int

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self.as_of)


# --- columns from requests that were read one by one -----------------------------------------------------------------


def told_by_requests(reads: Sequence[ReadRequest]) -> ToldColumns:
    """The columns of requests that `read_request` has read, one row each."""
    runners = [read.request.runner for read in reads]
    trainings = [read.request.training for read in reads]
    owners: dict[str, list[Any]] = {"": runners}
    fields: dict[str, FieldColumn] = {}
    for path, kind in profile_kinds().items():
        owner, _, name = path.rpartition(".")
        if owner not in owners:
            owners[owner] = [getattr(runner, owner) for runner in runners]
        if kind.sort != "symptoms":
            told = [None if part is None else getattr(part, name) for part in owners[owner]]
            fields[path] = FieldColumn(*_numbers_of(told, kind))
    logs = [training.sessions or [] for training in trainings]
    sessions = [session for log in logs for session in log]
    weeks = [training.weekly_distance_m or [] for training in trainings]
    plans = [training.planned_run for training in trainings]
    counts = np.fromiter(map(len, logs), np.int64, len(logs))
    return ToldColumns(
        fields,
        {owner: _symptoms_of([getattr(part, "symptoms", None) for part in owners[owner]]) for owner in SYMPTOM_OWNERS},
        _days_of(read.as_of for read in reads).numbers,
        SessionColumns(
            np.repeat(np.arange(len(logs)), counts),
            _days_of(session.started_on for session in sessions).numbers,
            _thousandths_of([session.distance_m for session in sessions]),
            _thousandths_of([session.duration_s for session in sessions]),
        ),
        np.array([training.sessions is not None for training in trainings], np.bool_),
        counts,
        tuple(
            _thousandths_of([listed[-age] if age <= len(listed) else None for listed in weeks])
            for age in range(1, WEEKS + 1)
        ),
        np.array([training.weekly_distance_m is not None for training in trainings], np.bool_),
        np.fromiter(map(len, weeks), np.int64, len(weeks)),
        _days_of(training.observed_from for training in trainings),
        _days_of(None if plan is None else plan.on for plan in plans),
        _thousandths_of([None if plan is None else plan.distance_m for plan in plans]),
        {},
        {row: tuple(finding.code for finding in read.findings) for row, read in enumerate(reads) if read.findings},
        len(reads),
    )


def _numbers_of(told: Sequence[Any], kind: Kind) -> FieldColumn:
    if kind.sort == "number":
        return _thousandths_of(told)
    if kind.sort == "choice":
        places = {choice: place for place, choice in enumerate(kind.choices)}
        told = [places.get(choice) for choice in told]
    is_told = np.array([one is not None for one in told], np.bool_)
    return FieldColumn(np.array([one or 0 for one in told], np.int64), is_told)


def _thousandths_of(told: Sequence[float | None]) -> FieldColumn:
    floats = np.array(told, np.float64)  # None becomes not-a-number, which nothing that was told is
    is_told = ~np.isnan(floats)
    return FieldColumn(thousandths(np.where(is_told, floats, 0.0)), is_told)


def thousandths(quantities: NDArray[np.float64]) -> Whole:
    """Quantities in whole thousandths of their unit, half to even, as `facts.thousandths` has them.

    >>> thousandths(np.array([9000.0005, 1.68])).tolist()
    [9000000, 1680]
    """
    return np.rint(quantities * 1000).astype(np.int64)


EPOCH = date(1970, 1, 1).toordinal()


def _days_of(told: Iterable[date | None]) -> FieldColumn:
    days = [None if day is None else day.toordinal() - EPOCH for day in told]
    return _numbers_of(days, Kind("whole"))


def _symptoms_of(told: Sequence[list[str] | None]) -> SymptomColumns:
    listed = [(row, place, id_) for row, ids in enumerate(told) for place, id_ in enumerate(ids or ())]
    codes: dict[str, int] = {}
    code = [codes.setdefault(id_, len(codes)) for _, _, id_ in listed]
    return SymptomColumns(
        np.array([ids is not None for ids in told], np.bool_),
        np.array([row for row, _, _ in listed], np.int64),
        np.array([place for _, place, _ in listed], np.int64),
        np.array(code, np.int64),
        tuple(codes),
    )


def nobody(row_count: int) -> ToldColumns:
    """Columns of rows in which nothing was told."""
    blank = FieldColumn(np.zeros(row_count, np.int64), np.zeros(row_count, np.bool_))
    none = np.empty(0, np.int64)
    of_none = FieldColumn(none, np.empty(0, np.bool_))
    return ToldColumns(
        {path: blank for path, kind in profile_kinds().items() if kind.sort != "symptoms"},
        {owner: SymptomColumns(blank.told, none, none, none, ()) for owner in SYMPTOM_OWNERS},
        blank.numbers,
        SessionColumns(none, none, of_none, of_none),
        blank.told,
        blank.numbers,
        (blank,) * WEEKS,
        blank.told,
        blank.numbers,
        blank,
        blank,
        blank,
        {},
        {},
        0,
    )


# --- and both kinds of rows in one -----------------------------------------------------------------------------------


def with_others(columns: ToldColumns, others: ToldColumns, *, rows: Whole, refused: dict[int, Fault]) -> ToldColumns:
    """The same columns with other runners in some rows, and nobody in those that are refused.

    Args:
        rows: where the others go, in their order.
        refused: first fault by row.
    """
    gone = np.zeros(columns.row_count, np.bool_)
    gone[rows] = True
    gone[np.fromiter(refused, np.int64, len(refused))] = True

    def mask(mine: Mask, theirs: Mask) -> Mask:
        both = mine & ~gone
        both[rows] = theirs
        return both

    def whole(mine: Whole, theirs: Whole) -> Whole:
        both = np.where(gone, 0, mine)
        both[rows] = theirs
        return both

    def field(mine: FieldColumn, theirs: FieldColumn) -> FieldColumn:
        return FieldColumn(whole(mine.numbers, theirs.numbers), mask(mine.told, theirs.told))

    def listed(mine: FieldColumn, theirs: FieldColumn, kept: Mask) -> FieldColumn:
        return FieldColumn(_join(mine.numbers[kept], theirs.numbers), np.concatenate((mine.told[kept], theirs.told)))

    def symptoms(mine: SymptomColumns, theirs: SymptomColumns) -> SymptomColumns:
        kept = ~gone[mine.row]
        return SymptomColumns(
            mask(mine.told, theirs.told),
            _join(mine.row[kept], rows[theirs.row]),
            _join(mine.place[kept], theirs.place),
            _join(mine.code[kept], theirs.code + len(mine.ids)),
            mine.ids + theirs.ids,
        )

    mine, theirs = columns.sessions, others.sessions
    kept = ~gone[mine.row]
    return ToldColumns(
        {path: field(column, others.fields[path]) for path, column in columns.fields.items()},
        {owner: symptoms(column, others.symptoms[owner]) for owner, column in columns.symptoms.items()},
        whole(columns.as_of, others.as_of),
        SessionColumns(
            _join(mine.row[kept], rows[theirs.row]),
            _join(mine.day[kept], theirs.day),
            listed(mine.distance, theirs.distance, kept),
            listed(mine.duration, theirs.duration, kept),
        ),
        mask(columns.sessions_told, others.sessions_told),
        whole(columns.session_counts, others.session_counts),
        tuple(field(week, other) for week, other in zip(columns.weeks, others.weeks, strict=True)),
        mask(columns.weeks_told, others.weeks_told),
        whole(columns.week_counts, others.week_counts),
        field(columns.observed_from, others.observed_from),
        field(columns.planned_on, others.planned_on),
        field(columns.planned, others.planned),
        refused,
        {int(rows[place]): codes for place, codes in others.findings.items()},
        len(rows) + len(refused),
    )


def _join(mine: Whole, theirs: Whole) -> Whole:
    return np.concatenate((mine, theirs))
