"""Runners in columns: three forms of the same rows, one answer a row, refusals in their place."""

import json
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from app.errors import InvalidInputError
from app.runners.columns import read_columns
from app.scoring.columns import ANSWER_SCHEMA, CONTRIBUTIONS_FIELD, answer_schema, score_columns
from tests.oracle.service import answer, shipped_rules
from tests.unit.requests import TODAY, day, log, run, wire

RUNNER: dict[str, Any] = {
    "age_years": 41,
    "running_years": 3.0,
    "knee": {"history": "recovered", "months_since": 8, "symptoms": []},
    "lower_back": {"history": "never", "pain_now": 0, "symptoms": []},
    "shoes": {"pairs": 1},
    "warm_up": "sometimes",
}
TRAINING = log(run(40, 9000.0), run(20, 10000.0), run(2, 15000.0, duration_s=5400.0))
REQUEST = wire(RUNNER, TRAINING)


def as_text(*requests: Any, **columns: Any) -> pa.RecordBatch:
    texts = [told if isinstance(told, str) else json.dumps(told) for told in requests]
    return pa.RecordBatch.from_pydict({"request": texts, **columns})


def as_structs(*requests: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(requests))


def dotted(told: dict[str, Any], *, stem: str = "") -> dict[str, Any]:
    """The members of an object under their dotted paths; lists stay whole."""
    columns: dict[str, Any] = {}
    for name, member in told.items():
        columns |= dotted(member, stem=f"{stem}{name}.") if isinstance(member, dict) else {f"{stem}{name}": [member]}
    return columns


def scored(batch: pa.RecordBatch, *, as_of: date | None = None) -> list[dict[str, Any]]:
    return score_columns(shipped_rules(), batch, as_of=as_of, today=TODAY).to_pylist()


def test_a_row_says_what_the_answer_says() -> None:
    (row,) = scored(as_structs(REQUEST))
    told = answer(shipped_rules(), REQUEST)

    assert row["row_status"] == "assessed"
    assert row["as_of"] == TODAY
    assert {"version": row["rule_set"], "digest": row["digest"]} == told["rule_set"]
    for joint, numbers in told["joints"].items():
        assert row[f"{joint}_status"] == numbers["status"]
        assert row[f"{joint}_score"] == numbers["score"]
        assert [row[f"{joint}_score_low"], row[f"{joint}_score_high"]] == numbers["score_range"]
        assert row[f"{joint}_level"] == numbers["level"]
        assert row[f"{joint}_level_certain"] == numbers["level_certain"]
        assert row[f"{joint}_known_share"] == numbers["known_share"]
        risk = numbers["relative_risk"] or {"estimate": None, "low": None, "high": None}
        assert row[f"{joint}_relative_risk"] == risk["estimate"]
        assert row[f"{joint}_relative_risk_low"] == risk["low"]
        assert row[f"{joint}_relative_risk_high"] == risk["high"]
    assert row["knee_status"] == "scored"
    assert row["summary_level"] == told["summary"]["level"]
    assert row["referral_screened"] is True
    assert row["referral_urgency"] == told["referral"]["urgency"] == "none"
    assert row["referral_reason_ids"] == []
    assert row["advice_ids"] == [given["id"] for given in told["advice"]] != []
    assert row["finding_codes"] == [finding["code"] for finding in told["findings"]]
    assert row["ask_next_field"] == told["ask_next"]["field"]
    assert row["longest_in_reference_m"] == told["next_run"]["longest_in_reference_m"] == 16500


def test_a_column_that_is_named_as_a_feature_is_never_read() -> None:
    feature = {"session_spike_ratio": [9.0]}
    told = dotted(REQUEST)
    without = scored(pa.RecordBatch.from_pydict(told))

    assert scored(pa.RecordBatch.from_pydict(told | feature)) == without
    for part in ("runner", "training"):
        (row,) = scored(pa.RecordBatch.from_pydict(told | {f"{part}.session_spike_ratio": [9.0]}))
        assert (row["row_status"], row["problem_code"]) == ("refused", "unknown-field")
    with pytest.raises(InvalidInputError) as refused:
        scored(pa.RecordBatch.from_pydict(feature))
    assert [fault.code for fault in refused.value.faults] == ["missing"]


def test_text_structs_and_dotted_columns_are_one_request() -> None:
    forms = [as_text(REQUEST), as_structs(REQUEST), pa.RecordBatch.from_pydict(dotted(REQUEST))]

    first, *others = [scored(form) for form in forms]

    assert all(other == first for other in others)


def test_structs_and_dotted_columns_may_stand_side_by_side() -> None:
    apart = {"runner": [RUNNER], "as_of": [day(0)], **dotted({"training": TRAINING})}

    assert scored(pa.RecordBatch.from_pydict(apart)) == scored(as_structs(REQUEST))


def test_a_row_that_cannot_be_scored_is_refused_in_its_place() -> None:
    faulty = wire({"age_years": 2, "sleep_hours": 40.0})
    batch = as_text(REQUEST, faulty, "no json", REQUEST, id=["a", "b", "c", "d"])

    rows = scored(batch)

    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert [row["row_status"] for row in rows] == ["assessed", "refused", "refused", "assessed"]
    assert [row["problem_code"] for row in rows] == [None, "out-of-range", "not-json", None]
    assert [row["problem_pointer"] for row in rows] == [None, "/runner/age_years", "", None]
    told = {"id", "rule_set", "digest", "row_status", "problem_code", "problem_pointer"}
    assert {name for name, member in rows[1].items() if member is not None} == told


def test_a_day_of_its_own_wins_over_the_day_beside_the_rows() -> None:
    earlier = date(2026, 11, 22)

    assert scored(as_text(REQUEST), as_of=earlier)[0]["as_of"] == TODAY
    assert scored(as_text(wire() | {"as_of": None}), as_of=earlier)[0]["as_of"] == earlier
    assert scored(as_text(wire() | {"as_of": None}, as_of=[earlier]), as_of=TODAY)[0]["as_of"] == earlier
    assert scored(as_text(REQUEST, as_of=[earlier]))[0]["as_of"] == TODAY


@pytest.mark.parametrize("indent", [None, 2])
def test_texts_that_are_plainly_in_order_are_read_at_once_and_say_what_structs_say(indent: int | None) -> None:
    texts = [json.dumps(REQUEST, indent=indent), json.dumps(wire() | {"as_of": None}, indent=indent)]
    batch = as_text(*texts)

    assert read_columns(batch, as_of=None, today=TODAY).single_count == 0
    assert scored(batch) == scored(as_structs(REQUEST)) + scored(as_text(wire() | {"as_of": None}))


@pytest.mark.parametrize(
    ("beside", "own", "single_count"),
    [
        ([None, None], [day(0), None], 0),
        ([date(2026, 11, 22), date(2026, 11, 21)], [None, None], 0),
        (["2026-11-22", None], [None, day(0)], 0),
        (["2026-11-22", "2026-11-21"], [None, day(0)], 1),
        ([date(2026, 11, 22), date(2026, 11, 21)], [None, day(0)], 2),
        (["20.11.2026", "2026-11-21"], [None, None], 1),
        (["20.11.2026", "2026-11-21"], [day(0), None], 1),
    ],
)
def test_a_day_stands_in_a_text_or_beside_it_or_is_looked_at_alone(
    beside: list[Any], own: list[str | None], single_count: int
) -> None:
    requests = [wire(RUNNER, TRAINING) | {"as_of": day} for day in own]
    batch = as_text(*requests, as_of=beside)
    one_by_one = [
        row
        for request, day in zip(requests, beside, strict=True)
        for row in scored(as_text(json.dumps(request) + " ", "[]", as_of=[day, None]))[:1]
    ]

    assert read_columns(batch, as_of=None, today=TODAY).single_count == single_count
    assert scored(batch) == one_by_one


@pytest.mark.parametrize("beside", ["23.11.2026", 5])
def test_a_day_beside_a_text_that_is_none_is_a_fault_of_the_row(beside: Any) -> None:
    (row,) = scored(as_text({"runner": {}, "training": {}}, as_of=[beside]))

    assert row["problem_pointer"] == "/as_of"


@pytest.mark.parametrize(("text", "code"), [("no json", "not-json"), ("[]", "wrong-type"), (json.dumps(wire()), None)])
def test_a_day_beside_a_text_that_is_none_is_passed_over_where_it_is_not_asked(text: str, code: str | None) -> None:
    (row,) = scored(as_text(text, as_of=["23.11.2026"]))

    assert row["problem_code"] == code


def test_a_batch_without_runners_is_refused_whole() -> None:
    with pytest.raises(InvalidInputError):
        scored(pa.RecordBatch.from_pydict({"id": ["a"]}))


def test_contributions_are_one_more_column() -> None:
    rows = score_columns(shipped_rules(), as_structs(REQUEST), as_of=None, today=TODAY, contributions="listed")

    assert rows.schema == answer_schema(contributions="listed") == ANSWER_SCHEMA.append(CONTRIBUTIONS_FIELD)
    told = answer(shipped_rules(), REQUEST)
    assert rows.to_pylist()[0]["contributions"] == [
        {
            "joint": joint,
            "factor": line["factor"],
            "band": line["band"],
            "status": line["status"],
            "points_hundredths": round(line["points"] * 100),
        }
        for joint in ("knee", "lower_back")
        for line in told["joints"][joint]["contributions"]
    ]
