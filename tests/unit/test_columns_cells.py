"""Cells of every Arrow type that a writer may choose: read as what they say, or refused row by row."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from app.errors import InvalidInputError
from app.runners.columns import read_columns
from app.scoring.columns import score_columns
from tests.generative.many_runners import as_structs, disagreements
from tests.oracle.service import shipped_rules
from tests.unit.requests import TODAY, day, wire

DAY = date(2026, 11, 20)


def batch_of(**columns: Any) -> pa.RecordBatch:
    """Columns by name; two underscores stand for a dot."""
    return pa.RecordBatch.from_pydict({name.replace("__", "."): cells for name, cells in columns.items()})


def scored(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    return score_columns(shipped_rules(), batch, as_of=None, today=TODAY).to_pylist()


def problems(batch: pa.RecordBatch) -> list[tuple[str | None, str | None]]:
    return [(row["problem_code"], row["problem_pointer"]) for row in scored(batch)]


def told(batch: pa.RecordBatch, path: str) -> list[int | None]:
    field = read_columns(batch, as_of=None, today=TODAY).fields[path]
    return [int(number) if is_told else None for number, is_told in zip(field.numbers, field.told, strict=True)]


@pytest.mark.parametrize("type_", [pa.int8(), pa.uint16(), pa.int64(), pa.float32(), pa.float64()])
def test_a_number_may_have_any_width(type_: pa.DataType) -> None:
    batch = batch_of(runner__sleep_hours=pa.array([7, None], type_), runner__age_years=pa.array([40, None], type_))

    assert told(batch, "sleep_hours") == [7000, None]
    assert told(batch, "age_years") == [40, None]
    assert read_columns(batch, as_of=None, today=TODAY).single_count == 0


def test_a_decimal_is_a_number_and_a_text_is_none() -> None:
    decimals = batch_of(runner__sleep_hours=pa.array([Decimal("6.5"), None]))

    assert told(decimals, "sleep_hours") == [6500, None]
    assert problems(batch_of(runner__sleep_hours=["6.5", None])) == [
        ("wrong-type", "/runner/sleep_hours"),
        (None, None),
    ]


@pytest.mark.parametrize(
    "texts",
    [
        pa.array(["weak", None, "strong"]),
        pa.array(["weak", None, "strong"], pa.large_string()),
        pa.array(["weak", None, "strong"], pa.string_view()),
        pa.array(["weak", None, "strong"]).dictionary_encode(),
    ],
)
def test_a_choice_may_be_any_kind_of_text(texts: Any) -> None:
    batch = batch_of(runner__core_strength=texts)

    assert told(batch, "core_strength") == [0, None, 2]
    assert read_columns(batch, as_of=None, today=TODAY).single_count == 0


@pytest.mark.parametrize(
    ("path", "cell", "code"),
    [
        ("runner.core_strength", 5, "not-a-choice"),
        ("runner.core_strength", b"weak", None),
        ("runner.life_complaint", "yes", "wrong-type"),
        ("runner.life_complaint", 1, "wrong-type"),
        ("runner.knee", "sore", "wrong-type"),
        ("runner", "somebody", "wrong-type"),
        ("runner.age_years.now", 41, "wrong-type"),
        ("runner.knee.symptoms", "kn_locked", "wrong-type"),
        ("training.sessions", [5], "wrong-type"),
        ("training.sessions", [{"started_on": DAY, "cadence": 180.0}], "unknown-field"),
        ("training.sessions", "many", "wrong-type"),
        ("training.weekly_distance_m", 5.0, "wrong-type"),
        ("training.observed_from", 20000, "wrong-type"),
        ("training.observed_from", timedelta(days=3), None),
        ("training.observed_from", datetime(2026, 11, 1, tzinfo=UTC), "not-a-date"),
        ("training.time_zone", 5, "wrong-type"),
        ("training.planned_run.on", date(2026, 11, 23), "missing"),
        ("training.planned_run.distance_m", -1.0, "out-of-range"),
    ],
)
def test_a_cell_of_the_wrong_kind_refuses_its_row_alone(path: str, cell: Any, code: str | None) -> None:
    batch = pa.RecordBatch.from_pydict({path: [cell, None]})

    first, second = scored(batch)

    assert first["row_status"] == "refused"
    assert code in (None, first["problem_code"])
    assert first["problem_pointer"].startswith("/")
    assert second["row_status"] == "assessed"


@pytest.mark.parametrize(
    "days",
    [
        pa.array([DAY, None]),
        pa.array([DAY, None], pa.date64()),
        pa.array([str(DAY), None]),
        pa.array([str(DAY), None], pa.large_string()),
    ],
)
def test_a_day_may_be_a_date_or_text(days: Any) -> None:
    batch = batch_of(training__observed_from=days)

    columns = read_columns(batch, as_of=None, today=TODAY)

    assert columns.observed_from.numbers[0] == (DAY - date(1970, 1, 1)).days
    assert columns.observed_from.told.tolist() == [True, False]
    assert columns.single_count == 0


@pytest.mark.parametrize(
    "written", ["2026-02-29", "2026-13-01", "2026-1-001", "2026/11/20", "20261120", "", "0000-01-01", "２026-1-01"]
)
def test_text_that_is_no_day_is_a_fault(written: str) -> None:
    batch = batch_of(training__observed_from=[written, "2024-02-29"])

    assert problems(batch) == [("not-a-date", "/training/observed_from"), (None, None)]


def test_a_day_that_no_calendar_holds_refuses_its_row_alone() -> None:
    days = pa.array([4_000_000, 20_000], pa.int32()).view(pa.date32())

    assert [row["row_status"] for row in scored(batch_of(training__observed_from=days))] == ["refused", "assessed"]
    assert [row["row_status"] for row in scored(batch_of(as_of=days, runner__age_years=[40, 40]))] == [
        "refused",
        "assessed",
    ]
    both_odd = batch_of(training__observed_from=days, runner__age_years=[40, 200])
    assert problems(both_odd) == [("wrong-type", "/training/observed_from"), ("out-of-range", "/runner/age_years")]


def test_a_start_with_an_offset_counts_on_the_day_of_the_offset() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    texts = [[{"started_at": late.isoformat(), "distance_m": 5000.0}], [{"started_at": "2026-11-20T10:00:00Z"}]]
    columns = read_columns(batch_of(training__sessions=texts), as_of=None, today=TODAY)

    assert columns.sessions.day.tolist() == [(DAY - date(1970, 1, 1)).days] * 2
    assert columns.findings == {1: ("local-day-unsure",)}
    assert columns.single_count == 1


MOMENTS = (
    "2026-11-20T10:00:00+01:00", "2026-11-20T23:59:59-14:59", "2024-02-29T00:00:00+05:30",  # plain
    "2026-11-20T10:00:00+00:00", "2026-11-20T10:00:00-00:00", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00.50+1:00",
    "2026-11-20T24:00:00+01:00", "2026-11-20T10:60:00+01:00", "2026-11-20T10:00:60+01:00", "2026-11-20T10:00:00+01:60",
    "2026-11-20T10:00:00+15:00", "2026-11-20T10:00:00+25:00", "2026-11-20 10:00:00+01:00", "2026-11-20T10-00-00+01:00",
    "2026-11-20T10:00:00 01:00", "2026-02-30T10:00:00+01:00", "2026-11-20T10:0a:00+01:00", "2026-11-20T10:00:00", "",
)  # fmt: skip


@pytest.mark.parametrize("written", MOMENTS)
def test_a_start_is_read_or_refused_as_a_single_request_would(written: str) -> None:
    request = wire({}, {"sessions": [{"started_at": written, "distance_m": 5000.0}]})
    batch = batch_of(as_of=[str(TODAY)], training__sessions=[request["training"]["sessions"]])

    assert disagreements(shipped_rules(), [request], form=as_structs) == []
    assert read_columns(batch, as_of=None, today=TODAY).single_count == (written not in MOMENTS[:3])


@pytest.mark.parametrize(
    ("first", "second", "codes"),
    [
        ({"started_at": MOMENTS[0]}, {"started_at": MOMENTS[0]}, ["duplicate-session"]),
        ({"started_at": MOMENTS[0]}, {"started_at": "2026-11-20T11:00:00+02:00"}, ["duplicate-session"]),
        ({"started_at": "2026-11-20T10:00:00+01:00"}, {"started_at": "2026-11-20T10:00:01+01:00"}, []),
        ({"started_at": "2026-11-20T10:00:00+01:00"}, {"started_on": "2026-11-20"}, []),
    ],
)
def test_two_starts_of_one_instant_are_one_run(first: dict[str, Any], second: dict[str, Any], codes: list[str]) -> None:
    sessions = [{**first, "distance_m": 5000.0}, {**second, "distance_m": 5000.0}]

    (row,) = scored(batch_of(training__sessions=[sessions]))

    assert [code for code in row["finding_codes"] if code.endswith("session")] == codes
    assert disagreements(shipped_rules(), [wire({}, {"sessions": sessions})], form=as_structs) == []


@pytest.mark.parametrize(("started_on", "code"), [("2026-11-20", None), ("2026-11-19", "contradiction")])
def test_a_start_and_a_day_have_to_agree(started_on: str, code: str | None) -> None:
    session = {"started_on": started_on, "started_at": "2026-11-20T23:30:00-05:00"}

    (row,) = scored(batch_of(training__sessions=[[session]]))

    assert row["problem_code"] == code


def test_a_moment_may_be_a_timestamp_with_a_zone() -> None:
    moment = pa.array([datetime(2026, 11, 20, 23, 30, tzinfo=UTC)], pa.timestamp("us", "America/New_York"))
    starts = pa.StructArray.from_arrays([moment], ["started_at"])
    sessions = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), starts)

    columns = read_columns(batch_of(training__sessions=sessions), as_of=None, today=TODAY)

    assert columns.sessions.day.tolist() == [(DAY - date(1970, 1, 1)).days]


def sessions_of(counts: list[int | None]) -> Any:
    """A log of so many runs for each row, or none."""
    logs = [
        None if count is None else [{"started_on": DAY, "distance_m": 5000.0 + place} for place in range(count)]
        for count in counts
    ]
    return pa.array(logs, pa.list_(pa.struct([("started_on", pa.date32()), ("distance_m", pa.float64())])))


def test_a_slice_is_read_as_if_it_stood_alone() -> None:
    counts = [0, 1, None, 3, 2, 0]
    whole = batch_of(
        id=["a", "b", "c", "d", "e", "f"],
        runner__warm_up=["never", None, "usually", "sometimes", None, "never"],
        runner__knee__symptoms=[[], ["kn_locked"], None, [], ["kn_locked", "kn_hot_fever"], None],
        training__sessions=sessions_of(counts),
        training__observed_from=[str(DAY)] * 6,
        training__weekly_distance_m=[None, None, [8000.0, None], None, None, None],
    )

    assert scored(whole.slice(2, 3)) == scored(whole)[2:5]
    assert read_columns(whole.slice(2, 3), as_of=None, today=TODAY).session_counts.tolist() == [0, 3, 2]
    assert scored(whole.slice(1, 0)) == []


def test_what_lies_hidden_under_a_null_is_not_told() -> None:
    members = sessions_of([3]).flatten()
    hiding = pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), members, mask=pa.array([True, False]))

    columns = read_columns(batch_of(training__sessions=hiding), as_of=None, today=TODAY)

    assert columns.session_counts.tolist() == [0, 1]
    assert columns.sessions.row.tolist() == [1]


def test_an_object_of_which_nothing_is_told_is_not_told() -> None:
    plan = pa.StructArray.from_arrays([pa.array([None], pa.float64())], ["distance_m"])

    (row,) = scored(batch_of(training__planned_run=plan, runner__shoes=[None]))

    assert row["row_status"] == "assessed"


def test_columns_of_nulls_alone_tell_nothing() -> None:
    nulls = pa.nulls(2)
    batch = batch_of(
        as_of=nulls, runner__age_years=nulls, runner__knee__symptoms=nulls, runner__favourite=nulls,
        training__sessions=nulls, training__weekly_distance_m=nulls, training__planned_run__distance_m=nulls,
    )  # fmt: skip

    assert [row["row_status"] for row in scored(batch)] == ["assessed", "assessed"]
    assert read_columns(batch, as_of=None, today=TODAY).single_count == 0


def test_a_field_that_two_columns_tell_is_read_once_more() -> None:
    batch = batch_of(
        runner=[{"age_years": 40, "knee": {"pain_now": 1}}, {"age_years": 41, "knee": None}],
        runner__age_years=[None, 50],
    )
    nested = batch_of(runner__knee__pain_now=[2, None], runner=[{"knee": {"episodes": 1, "history": "recovered"}}] * 2)

    assert told(batch, "age_years") == [40, 50]
    assert told(nested, "knee.pain_now") == [2, None]
    assert told(nested, "knee.episodes") == [1, 1]


def test_a_part_that_is_no_object_has_no_fields() -> None:
    batch = pa.RecordBatch.from_pydict({"runner": ["somebody", None], "runner.age_years": [40, 40]})

    assert [row["row_status"] for row in scored(batch)] == ["refused", "assessed"]


def test_two_columns_of_one_name_are_refused_whole() -> None:
    twice = pa.RecordBatch.from_arrays([pa.array([40]), pa.array([41])], names=["runner.age_years", "runner.age_years"])

    with pytest.raises(InvalidInputError):
        scored(twice)


def test_an_id_of_another_type_is_told_as_text() -> None:
    batch = batch_of(id=[7, None], runner__age_years=[40, 40])

    assert [row["id"] for row in scored(batch)] == ["7", None]


def test_an_id_that_no_line_may_have_refuses_its_row_and_is_not_repeated() -> None:
    batch = batch_of(
        id=["a", "", "x" * 128, "x" * 129, None, "é" * 128, ""], runner__age_years=[40, 40, 40, 40, 40, 40, 2]
    )
    rows = scored(batch)

    assert [row["id"] for row in rows] == ["a", None, "x" * 128, None, None, "é" * 128, None]
    told = [(row["row_status"], row["problem_pointer"], row["problem_code"]) for row in rows]
    assert told == [
        ("assessed", None, None),
        ("refused", "/id", "too-short"),
        ("assessed", None, None),
        ("refused", "/id", "too-long"),
        ("assessed", None, None),
        ("assessed", None, None),
        ("refused", "/id", "too-short"),
    ]
    assert rows[1]["knee_status"] is rows[1]["finding_codes"] is rows[1]["as_of"] is None


@pytest.mark.parametrize("ids", [[{"a": 1}], [b"\xff"]])
def test_ids_that_cannot_be_text_refuse_the_batch(ids: list[Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        scored(batch_of(id=ids, runner__age_years=[40]))

    assert refused.value.faults[0].pointer == "/id"


def test_a_big_batch_is_worked_through_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.scoring.columns.BLOCK_ROWS", 2)
    batch = batch_of(id=["a", "b", "c", "d", "e"], runner__age_years=[30, 40, 2, 60, 70])

    rows = scored(batch)

    assert [row["id"] for row in rows] == ["a", "b", "c", "d", "e"]
    assert [row["row_status"] for row in rows] == ["assessed", "assessed", "refused", "assessed", "assessed"]


def test_the_default_day_is_today_or_that_of_a_run_of_tomorrow() -> None:
    tomorrow, later = day(-1), day(-2)
    sessions = [[{"started_on": tomorrow, "distance_m": 5000.0}], [{"started_on": later, "distance_m": 5000.0}], None]

    rows = scored(batch_of(training__sessions=sessions))

    assert [row["as_of"] for row in rows] == [TODAY + timedelta(days=1), None, TODAY]
    assert rows[1]["problem_code"] == "after-as-of"


def test_a_day_beside_all_rows_is_bounded_like_their_own() -> None:
    batch = batch_of(runner__age_years=[40])

    (row,) = score_columns(shipped_rules(), batch, as_of=date(1999, 1, 1), today=TODAY).to_pylist()

    assert (row["problem_code"], row["problem_pointer"]) == ("out-of-range", "/as_of")


def test_rows_read_one_by_one_leave_no_trace_of_what_was_odd() -> None:
    batch = batch_of(
        runner__age_years=[200, 40], runner__knee__symptoms=[["kn_locked"], []],
        training__sessions=sessions_of([2, 1]),
    )  # fmt: skip
    columns = read_columns(batch, as_of=None, today=TODAY)

    assert columns.refused.keys() == {0}
    assert columns.sessions.row.tolist() == [1]
    assert columns.symptoms["knee"].told.tolist() == [False, True]
    assert not np.any(columns.symptoms["knee"].row == 0)


def session(days_ago: int, distance_m: float, **more: Any) -> dict[str, Any]:
    return {"started_on": TODAY - timedelta(days=days_ago), "distance_m": distance_m, **more}


DOUBTS: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([session(20, 5000.0), session(5, 6000.0), session(20, 5000.0)], ["possible-duplicate-session"]),
    ([session(5, 5000.0), session(5, 5000.0), session(2, 5000.0)], ["possible-duplicate-session"]),
    ([session(5, 60_000.0), session(5, 50_000.0)], ["doubtful-day"]),
    ([session(5, 60_000.0), session(9, 1000.0), session(5, 50_000.0)], ["doubtful-day"]),
    ([session(5, 100_000.0)], ["doubtful-day"]),
    ([session(5, 5000.0, id="a"), session(9, 6000.0, id="a")], ["duplicate-session"]),
    ([session(5, 10_000.0, duration_s=1400.0)], ["doubtful-pace"]),
]


@pytest.mark.parametrize(("sessions", "codes"), DOUBTS)
def test_a_doubtful_log_is_read_one_by_one_and_says_so(sessions: list[dict[str, Any]], codes: list[str]) -> None:
    batch = batch_of(training__sessions=[sessions, [session(3, 5000.0)]])

    columns = read_columns(batch, as_of=None, today=TODAY)

    assert columns.single_count == 1
    assert columns.findings == {0: tuple(codes)}


def test_a_log_in_which_nothing_is_doubtful_is_read_at_once() -> None:
    logs = [
        [session(9, 5000.0), session(5, 6000.0), session(5, 5000.0), session(1, 5000.0)],
        [session(1, 5000.0, id="a"), session(5, 5000.0, id="b"), session(5, 6000.0, id="c")],
        [session(5, 5000.0, duration_s=1800.0), session(9, 5000.0), session(5, 5000.0, duration_s=1900.0)],
        [],
        None,
    ]

    assert read_columns(batch_of(training__sessions=logs), as_of=None, today=TODAY).single_count == 0
