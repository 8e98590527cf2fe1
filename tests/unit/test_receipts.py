"""A receipt stands for the numbers of an answer: altered anywhere, the answer is not the same any more."""

import copy
import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

import pytest

from app.errors import InvalidInputError
from app.receipts import Verdict, find_unsaid, read_answer, read_verification, verify_answer
from app.scoring.assessment import render
from app.scoring.compiled import CompiledRuleSet, MinEvidence
from app.scoring.engine import assess
from tests.unit.requests import TODAY, Json, log, published, read, run, wire

YEARS_LATER = date(2039, 5, 1)
RUNNER = {
    "age_years": 41,
    "sex": "female",
    "height_m": 1.68,
    "mass_kg": 64,
    "running_years": 3,
    "knee": {"history": "recovered", "months_since": 8, "pain_now": 2, "symptoms": []},
    "lower_back": {"history": "never", "pain_now": 0, "symptoms": []},
    "sleep_hours": 6.5,
    "core_strength": "weak",
    "shoes": {"pairs": 1},
}
TRAINING = log(run(20, 10_000, duration_s=3600), run(3, 15_000, duration_s=5000), planned_run={"distance_m": 26_000})
DETAILS = ("full", "codes", "scores")
PROSE = {"title", "text", "headline", "compared_with", "message", "action", "notice", "service_version"}


@cache
def shipped(least: MinEvidence | None = None) -> CompiledRuleSet:
    """One copy for the file: an answer is altered hundreds of times, and what is kept changes none."""
    return published(least)


def answered(request: Json, *, detail: Any = "full", least: MinEvidence | None = None) -> Json:
    told = read(request, unknown_fields="report")
    assessment = assess(shipped(least), told.request, as_of=told.as_of, findings=told.findings)
    answer: Json = json.loads(render(assessment, detail=detail))
    return answer


def verdict(request: Json, answer: Json, *, send_answer: bool = True, today: date = TODAY, **instead: Any) -> Verdict:
    told = {"request": request, "receipt": answer.get("receipt"), "rule_set": answer["rule_set"], **instead}
    if send_answer:
        told["answer"] = answer
    verification = read_verification(json.dumps(told).encode())
    return verify_answer(shipped(verification.receipt.min_evidence), verification, today=today)


def leaves(told: Any, at: str = "") -> Iterator[tuple[str, Any, Any, Any]]:
    """Every number, choice and null of an answer: where it stands, its owner, its place there, and what it is."""
    members = told.items() if isinstance(told, dict) else enumerate(told)
    for place, member in members:
        if isinstance(member, dict | list):
            yield from leaves(member, f"{at}/{place}")
        elif place not in PROSE:
            yield f"{at}/{place}", told, place, member


def altered(leaf: Any) -> Any:
    return leaf + 1 if isinstance(leaf, int | float) and not isinstance(leaf, bool) else "elsewhere"


@pytest.mark.parametrize("detail", DETAILS)
def test_an_answer_is_the_same_years_later_and_in_every_size(detail: str) -> None:
    request = wire(RUNNER, TRAINING)
    receipt = answered(request)["receipt"]

    for send_answer in (True, False):
        told = verdict(
            request, answered(request, detail=detail), receipt=receipt, send_answer=send_answer, today=YEARS_LATER
        )
        assert told == Verdict(same=True, differs=[] if send_answer else None)


@pytest.mark.parametrize("detail", DETAILS)
def test_each_number_that_is_altered_is_named_by_its_pointer(detail: str) -> None:
    request = wire(RUNNER, TRAINING)
    receipt = answered(request)["receipt"]
    answer = answered(request, detail=detail)
    places = [place for place, *_ in leaves(answer)]
    assert len(places) > {"full": 400, "codes": 150, "scores": 15}[detail]

    for place in places[:: {"full": 7, "codes": 2, "scores": 1}[detail]]:
        changed = copy.deepcopy(answer)
        owner, name, leaf = next(found[1:] for found in leaves(changed) if found[0] == place)
        owner[name] = altered(leaf)
        assert verdict(request, changed, receipt=receipt, rule_set=answer["rule_set"]) == Verdict(False, [place])


def test_another_request_is_not_the_same_and_every_pointer_leads_somewhere() -> None:
    answer = answered(wire(RUNNER, TRAINING))

    told = verdict(wire({**RUNNER, "sleep_hours": 8}, TRAINING), answer)

    assert not told.same
    assert told.differs is not None
    assert {"/receipt/answer_digest", "/joints/knee/score"} <= set(told.differs)
    assert not verdict(wire({**RUNNER, "sleep_hours": 8}, TRAINING), answer, send_answer=False).same


def test_other_sentences_make_no_difference() -> None:
    answer = answered(wire(RUNNER, TRAINING))
    answer["notice"] = answer["summary"]["headline"] = "In andern Worten."
    answer["receipt"]["service_version"] = "9.9.9"

    assert verdict(wire(RUNNER, TRAINING), answer) == Verdict(True, [])


def test_the_day_and_the_least_evidence_of_the_receipt_are_those_that_count() -> None:
    request = {"runner": RUNNER, "training": TRAINING}
    answer = answered(request, least="moderate")
    assert answer["receipt"]["as_of"] == str(TODAY)

    assert verdict(request, answer, today=YEARS_LATER).same
    for other in ({"as_of": "2026-11-24"}, {"min_evidence": None}, {"min_evidence": "low"}):
        told = verdict(request, answer, receipt={**answer["receipt"], **other}, today=YEARS_LATER)
        assert not told.same


def test_a_receipt_of_another_day_than_the_requests_own_is_not_the_same() -> None:
    answer = answered(wire(RUNNER, TRAINING))

    told = verdict(wire(RUNNER, TRAINING), answer, receipt={**answer["receipt"], "as_of": "2026-11-22"})

    assert told == Verdict(False, ["/receipt/as_of"])


def test_rules_of_another_digest_are_not_the_same() -> None:
    answer = answered(wire(RUNNER))
    other = {**answer["rule_set"], "digest": "sha256:" + "1" * 64}

    assert verdict(wire(RUNNER), answer, rule_set=other) == Verdict(False, ["/rule_set/digest"])
    assert verdict(wire(RUNNER), answer, rule_set="2026.1").same


def test_an_answer_that_passed_over_unknown_fields_is_verified_as_it_was_given() -> None:
    request = wire({**RUNNER, "shoe_colour": "red"})
    answer = answered(request)
    assert [found["code"] for found in answer["findings"]].count("unknown-field") == 1

    assert verdict(request, answer).same


def test_a_member_that_is_missing_or_made_up_is_a_difference_and_made_up_names_are_not_repeated() -> None:
    answer = answered(wire(RUNNER), detail="codes")
    del answer["joints"]["knee"]["score"]
    answer["advice"].append({"id": "sing"})
    answer["joints"]["lower_back"]["Born 1985-03-02"] = 1

    told = verdict(wire(RUNNER), answer)

    assert told.differs is not None
    count = len(answer["advice"]) - 1
    assert sorted(told.differs) == sorted(["/joints/knee/score", f"/advice/{count}", "/joints/lower_back"])


def test_at_most_a_hundred_differences_are_listed() -> None:
    answer = answered(wire(RUNNER))
    answer["joints"] = {f"joint_{number}": 1 for number in range(300)}

    differs = verdict(wire(RUNNER), answer).differs

    assert differs is not None
    assert len(differs) == 100


def test_true_is_not_one_and_three_is_three_point_nought() -> None:
    assert list(find_unsaid({"a": 1, "b": 3, "c": None}, {"a": True, "b": 3.0, "c": 0})) == ["/a", "/c"]


def test_faults_of_the_request_point_into_it_and_the_rest_to_where_it_stands() -> None:
    answer = answered(wire(RUNNER))

    with pytest.raises(InvalidInputError) as refused:
        verdict(wire({"age_years": 400, "knee": {"symptoms": ["made_up"]}}), answer)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/request/runner/age_years", "out-of-range")
    ]
    with pytest.raises(InvalidInputError) as refused:
        verdict(wire({"knee": {"symptoms": ["made_up"]}}), answer)
    assert [fault.pointer for fault in refused.value.faults] == ["/request/runner/knee/symptoms/0"]
    with pytest.raises(InvalidInputError) as refused:
        verdict({"runner": {}, "training": {}}, answer, receipt={**answer["receipt"], "as_of": "1999-01-01"})
    assert [fault.pointer for fault in refused.value.faults] == ["/receipt/as_of"]
    with pytest.raises(InvalidInputError) as refused:
        verdict(wire(RUNNER, as_of="2999-01-01"), answer)
    assert [fault.pointer for fault in refused.value.faults] == ["/request/as_of"]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ("{", {("", "not-json")}),
        ("[]", {("", "wrong-type")}),
        ("{}", {("/request", "missing"), ("/receipt", "missing"), ("/rule_set", "missing")}),
        (
            '{"request": [], "receipt": {"answer_digest": "md5:1", "covers": "words", "as_of": "May"}, '
            '"rule_set": {"version": "newest"}, "anser": {}}',
            {
                ("/request", "wrong-type"),
                ("/receipt/answer_digest", "malformed"),
                ("/receipt/covers", "not-a-choice"),
                ("/receipt/as_of", "not-a-date"),
                ("/rule_set/version", "malformed"),
                ("/anser", "unknown-field"),
            },
        ),
    ],
)
def test_everything_that_is_wrong_with_a_verification_is_named_at_once(body: str, faults: set[tuple[str, str]]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_verification(body.encode())

    assert {(fault.pointer, fault.code) for fault in refused.value.faults} == faults


def test_two_files_are_read_as_what_is_sent() -> None:
    request, answer = wire(RUNNER), answered(wire(RUNNER))

    told = read_answer(json.dumps(request).encode(), json.dumps(answer).encode())

    assert verify_answer(shipped(), told, today=YEARS_LATER) == Verdict(True, [])
    for files in ((b"{", b"[]"), (b"{}", json.dumps(answered(request, detail="scores")).encode())):
        with pytest.raises(InvalidInputError):
            read_answer(*files)
