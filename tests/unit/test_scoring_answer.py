"""The answer over the wire: three sizes of the same numbers, a receipt over them, and texts by language."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from app import __version__
from app.scoring.assessment import answer_digest, render
from tests.unit.requests import (
    DIGEST,
    TODAY,
    Json,
    answer,
    assessed,
    contributions,
    document,
    log,
    published,
    rules,
    run,
    wire,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RUNNER: Json = {
    "age_years": 67, "running_years": 3, "sleep_hours": 6.25, "goal_event": "marathon", "core_strength": "weak",
    "knee": {"history": "recovered", "months_since": 8, "pain_now": 2, "symptoms": []},
    "lower_back": {"history": "never", "pain_now": 1, "symptoms": []}, "shoes": {"pairs": 2}, "plank_seconds": 40,
}  # fmt: skip
TRAINING = log(
    run(3, 15_000, duration_s=5_400), run(5, 8_000.5, duration_s=3_000), run(20, 10_000),
    planned_run={"distance_m": 12_000.5},
)  # fmt: skip
REQUESTS: dict[str, Json] = {
    "a runner": wire(RUNNER, TRAINING),
    "a stranger": wire(),
    "a sore knee": wire({**RUNNER, "knee": {"pain_now": 7}}, TRAINING),
    "an emergency": wire({**RUNNER, "symptoms": ["gen_chest_syncope"]}, TRAINING),
    "a child": wire({**RUNNER, "age_years": 9}, TRAINING),
    "weekly distances": wire({"running_years": 0.5}, {"weekly_distance_m": [9_000, 9_000, 0, 30_000]}),
    "a long break": wire({}, log(run(2, 5_000))),
    "a back alone": wire({"lower_back": {"history": "recovered", "episodes": 9, "pain_now": 5}}),
}
each_request = pytest.mark.parametrize("request_", REQUESTS.values(), ids=list(REQUESTS))


# --- three sizes -----------------------------------------------------------------------------------------------------


@each_request
def test_the_three_sizes_tell_the_same_numbers(request_: Json) -> None:
    full, codes, scores = (answer(request_, detail=size) for size in ("full", "codes", "scores"))
    assert set(scores) == {"as_of", "joints", "referral", "rule_set"}
    for name in ("as_of", "next_run", "ask_next", "weak_evidence_share", "rule_set", "receipt"):
        assert codes[name] == full[name]
    for name in ("as_of", "referral", "rule_set"):
        assert scores[name] == codes[name]
    assert set(full) == set(codes) | {"sources", "notice"}
    for joint, told in full["joints"].items():
        small = scores["joints"][joint]
        assert small == {name: told[name] for name in small}
        assert set(small) == {
            "status", "score", "score_range", "level", "level_certain", "known_share", "relative_risk",
        }  # fmt: skip
        in_codes = codes["joints"][joint]
        assert set(in_codes) == set(told)
        shown = in_codes.pop("contributions")
        assert in_codes == {name: told[name] for name in in_codes}
        assert shown == [
            {name: contribution[name] for name in ("factor", "band", "status", "points")}
            for contribution in told["contributions"]
        ]
    assert codes["summary"] == {name: full["summary"][name] for name in ("level", "score", "joint")}
    assert codes["advice"] == [
        {name: told[name] for name in ("id", "joints", "because", "similar_runner_score")} for told in full["advice"]
    ]
    assert codes["benefits"] == [{name: told[name] for name in ("id", "numbers")} for told in full["benefits"]]
    assert codes["findings"] == [
        {name: told[name] for name in ("code", "pointer", "severity")} for told in full["findings"]
    ]
    assert codes["referral"]["reasons"] == [
        {name: told[name] for name in ("id", "joint")} for told in full["referral"]["reasons"]
    ]


@each_request
def test_every_member_is_always_there(request_: Json) -> None:
    answered, usual = answer(request_), answer(REQUESTS["a runner"])
    assert list(answered) == list(usual) == [
        "as_of", "summary", "joints", "advice", "next_run", "ask_next", "benefits", "referral", "findings",
        "weak_evidence_share", "sources", "rule_set", "receipt", "notice",
    ]  # fmt: skip
    for joint, told in answered["joints"].items():
        assert list(told) == list(usual["joints"][joint])
        assert [shown["factor"] for shown in told["contributions"]] == [
            shown["factor"] for shown in usual["joints"][joint]["contributions"]
        ]
        for shown in told["contributions"]:
            assert set(shown) == {
                "factor", "title", "feature", "band", "number", "choice", "unit", "status", "points", "points_alone",
                "modifiable", "weight", "published", "evidence", "contested", "sources",
            }  # fmt: skip


@each_request
def test_every_source_that_is_named_is_cited_once(request_: Json) -> None:
    answered = answer(request_)
    named = {
        source
        for told in (
            *answered["advice"],
            *answered["benefits"],
            *(shown for joint in answered["joints"].values() for shown in joint["contributions"]),
        )
        for source in told["sources"]
    }
    ids = {told["id"] for told in answered["referral"]["reasons"]}
    named.update(source for flag in document().flags if flag.id in ids for source in flag.sources)
    assert named <= set(answered["sources"])
    raw = render(assessed(request_)).decode()
    assert all(raw.count(f'"{name}":{{"citation"') == 1 for name in answered["sources"])
    assert set(document().rates.sources) <= set(answered["sources"])
    for cited in answered["sources"].values():
        assert set(cited) == {"citation", "doi", "pmid"}


def test_a_source_says_where_to_find_it() -> None:
    assert answer(wire())["sources"]["frandsen-2025"] == {
        "citation": "Frandsen 2025, Br J Sports Med 59:1203-1210",
        "doi": "10.1136/bjsports-2024-109380",
        "pmid": "40623829",
    }


# --- the receipt -----------------------------------------------------------------------------------------------------


@each_request
def test_the_receipt_is_over_the_canonical_codes_without_it(request_: Json) -> None:
    codes = answer(request_, detail="codes")
    receipt = codes.pop("receipt")
    canonical = rfc8785.dumps(codes)
    assert receipt == {
        "answer_digest": f"sha256:{hashlib.sha256(canonical).hexdigest()}", "covers": "numbers",
        "as_of": str(TODAY), "min_evidence": None, "service_version": __version__,
    }  # fmt: skip
    assert render(assessed(request_), detail="codes").startswith(canonical[:-1])
    assert answer(request_)["receipt"] == receipt
    assert answer_digest(assessed(request_)) == receipt["answer_digest"]


def test_the_receipt_of_another_language_is_the_same() -> None:
    by = rules(in_german)
    german, english = (answer(REQUESTS["a runner"], by=by, language=language) for language in ("de", "en"))
    assert german["receipt"] == english["receipt"]


def test_the_receipt_names_the_least_evidence_and_covers_what_it_changes() -> None:
    digests = set()
    for least in (None, "low", "moderate"):
        receipt = answer(REQUESTS["a runner"], by=published(least))["receipt"]
        assert receipt["min_evidence"] == least
        digests.add(receipt["answer_digest"])
    assert len(digests) == 3


def test_another_answer_has_another_receipt() -> None:
    digests = {answer(request_)["receipt"]["answer_digest"] for request_ in REQUESTS.values()}
    assert len(digests) == len(REQUESTS)


def test_the_same_request_is_answered_with_the_same_bytes_whoever_came_before() -> None:
    fresh = {name: render(assessed(request_, by=rules())) for name, request_ in REQUESTS.items()}
    by = rules()
    for name in (*REQUESTS, *reversed(REQUESTS)):
        assert render(assessed(REQUESTS[name], by=by)) == fresh[name]


# --- contributions ---------------------------------------------------------------------------------------------------


def test_a_contribution_shows_the_reading_the_band_and_what_was_published() -> None:
    shown = contributions(answer(REQUESTS["a runner"]), "knee")["session_spike"]
    assert shown == {
        "factor": "session_spike",
        "title": "Longest run of the last 7 days against the longest of the 30 days before it",
        "feature": "session_spike_ratio", "band": "> 1.10", "number": 1.5, "choice": None, "unit": "1",
        "status": "applied", "points": 12.54, "points_alone": 12.54, "modifiable": True, "weight": 0.75,
        "published": [
            {
                "measure": "HRR", "estimate": 1.59, "low": 1.34, "high": 1.89, "interval": "derived",
                "outcome": "any overuse running injury", "power": 1, "weight": 0.75, "converted_from": None,
            }
        ],
        "evidence": "moderate", "contested": False, "sources": ["frandsen-2025"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("runner", "joint", "factor", "expected"),
    [
        ({"sleep_hours": 6.25}, "knee", "sleep_short", {"number": 6.25, "choice": None, "band": "< 7", "unit": "h"}),
        (
            {"sleep_hours": 8},
            "knee",
            "sleep_short",
            {"number": 8, "band": "≥ 7", "status": "reference", "published": []},
        ),
        ({"goal_event": "ultra"}, "knee", "long_event", {"number": None, "choice": "ultra", "band": "marathon, ultra"}),
        ({"height_m": 1.7, "mass_kg": 80}, "lower_back", "bmi_back", {"number": 27.6817, "band": "≥ 25"}),
        ({}, "lower_back", "bmi_back", {"number": None, "choice": None, "band": None, "status": "unknown"}),
        ({"knee": {"history": "never"}}, "knee", "previous_knee_problem", {"number": None, "choice": "never"}),
        (
            {"knee": {"history": "recovered"}},
            "knee",
            "previous_knee_problem",
            {"number": None, "choice": None, "band": None},
        ),
        (
            {"other_injury": {"history": "recovered", "months_since": 6}},
            "knee",
            "previous_running_injury",
            {"weight": 0.375},
        ),
        (
            {"other_injury": {"history": "recovered", "months_since": 1}},
            "knee",
            "previous_running_injury",
            {"weight": 0.75},
        ),
        (
            {"other_injury": {"history": "never"}},
            "knee",
            "previous_running_injury",
            {"weight": 0.75, "band": "> 12 or never"},
        ),
        ({"core_strength": "weak"}, "lower_back", "core_strength", {"contested": True, "evidence": "very_low"}),
    ],
)
def test_a_contribution_shows_what_was_read(runner: Json, joint: Any, factor: str, expected: Json) -> None:
    shown = contributions(answer(wire(runner)), joint)[factor]
    assert {name: shown[name] for name in expected} == expected


def test_an_effect_shows_what_it_was_converted_from_and_its_own_weight() -> None:
    shown = contributions(answer(REQUESTS["a back alone"]), "lower_back")["low_back_history"]
    assert [effect["weight"] for effect in shown["published"]] == [0.75, 0.5]
    assert shown["published"][1] == {
        "measure": "RR, converted", "estimate": 1.85, "low": 1.54, "high": 2.13, "interval": "derived",
        "outcome": "low back pain again within 12 months", "power": 1, "weight": 0.5,
        "converted_from": {"measure": "OR", "estimate": 3.18, "low": 2.11, "high": 4.78, "baseline_share": 0.33},
    }  # fmt: skip


def test_a_conversion_without_interval_shows_none() -> None:
    def change(written: Json) -> None:
        conversion = written["factors"][9]["bands"][1]["converted_from"]
        assert conversion.pop("low")
        assert conversion.pop("high")

    shown = contributions(answer(wire({"goal_event": "ultra"}), by=rules(change)), "knee")["long_event"]
    converted = shown["published"][0]["converted_from"]
    assert converted == {"measure": "OR", "estimate": 1.72, "low": None, "high": None, "baseline_share": 0.5}


def test_what_is_not_known_shows_every_effect_it_could_have() -> None:
    shown = contributions(answer(wire()), "knee")["other_sport"]
    assert [effect["power"] for effect in shown["published"]] == [1, 2, 3]


# --- language --------------------------------------------------------------------------------------------------------


def in_german(written: Json) -> None:
    written["texts"]["notice"] = {"en": "Notice.", "de": "Hinweis „so“."}
    written["texts"]["joints"]["knee"] = {"en": "knee", "de": "Knie"}
    written["rates"]["experienced"]["title"] = {"en": "experienced runners", "de": "Geübte"}
    for cut in written["levels"]["cuts"]:
        cut["headline"] = {"en": cut["headline"], "de": "Beim {joint}: verglichen mit {compared_with}."}
    written["advice"][0]["text"] = {"en": written["advice"][0]["text"], "de": "Kürzer."}
    written["factors"][0]["title"] = {"en": written["factors"][0]["title"], "de": "Längster Lauf"}


@pytest.mark.parametrize(
    ("language", "notice"),
    [
        ("en", "Notice."),
        ("de", "Hinweis „so“."),
        ("de-AT", "Hinweis „so“."),
        ("DE", "Hinweis „so“."),
        ("fr", "Notice."),
        ("en-GB", "Notice."),
        ("", "Notice."),
    ],
)
def test_texts_come_in_the_language_asked_for_or_its_main_one_or_in_english(language: str, notice: str) -> None:
    assert answer(wire(), by=rules(in_german), language=language)["notice"] == notice


def test_a_text_that_is_not_translated_comes_in_english() -> None:
    answered = answer(REQUESTS["a runner"], by=rules(in_german), language="de")
    assert answered["summary"]["headline"] == "Beim Knie: verglichen mit Geübte."
    assert answered["summary"]["compared_with"] == "Geübte"
    assert {told["id"]: told["text"] for told in answered["advice"]}["cap_single_run"] == "Kürzer."
    titles = {id: shown["title"] for id, shown in contributions(answered, "knee").items()}
    assert titles["session_spike"] == "Längster Lauf"
    assert titles["sleep_short"] == "Sleep under 7 hours a night"


def test_one_rule_set_answers_in_turn_in_two_languages() -> None:
    by = rules(in_german)
    notices = [answer(wire(), by=by, language=language)["notice"] for language in ("de", "en", "de-AT", "fr", "de")]
    assert notices == ["Hinweis „so“.", "Notice.", "Hinweis „so“.", "Notice.", "Hinweis „so“."]


# --- summary ---------------------------------------------------------------------------------------------------------


def test_the_summary_is_of_the_joint_with_the_highest_score() -> None:
    answered = answer(REQUESTS["a runner"])
    scores = {joint: told["score"] for joint, told in answered["joints"].items()}
    summary = answered["summary"]
    assert scores["knee"] > scores["lower_back"]
    assert (summary["joint"], summary["score"]) == ("knee", scores["knee"])
    assert summary["level"] == answered["joints"]["knee"]["level"]
    assert summary["headline"].startswith("Going by published studies, runners like you have knee problems")
    assert summary["headline"].endswith("the average of experienced runners.")
    back = answer(REQUESTS["a back alone"])["summary"]
    assert (back["joint"], "lower back problems" in back["headline"]) == ("lower_back", True)


def test_of_equal_joints_the_summary_is_of_the_knee() -> None:
    def change(written: Json) -> None:
        both = {"grade": "low", "weight": 0.5}
        written["factors"] = [factor for factor in written["factors"] if factor["id"] == "shoe_rotation"]
        written["factors"][0]["joints"] = {"knee": both, "lower_back": both}
        written.update(advice=[], benefits=[], flags=[])

    answered = answer(wire({"shoes": {"pairs": 1}}), by=rules(change))
    assert answered["joints"]["knee"]["score"] == answered["joints"]["lower_back"]["score"]
    assert answered["summary"]["joint"] == "knee"


def test_the_answer_names_its_rules_and_its_day() -> None:
    request_ = wire(as_of="2026-11-24")
    assert answer(request_)["rule_set"] == {"version": "2026.1", "digest": DIGEST}
    assert answer(request_)["as_of"] == answer(request_)["receipt"]["as_of"] == "2026-11-24"


def test_odd_texts_are_written_so_that_they_can_be_read() -> None:
    odd = 'A "quote", a \\ and a\nline, ≥ 7 and \u2028.'
    by = rules(lambda written: written["texts"].update(notice=odd))
    assert answer(wire(), by=by)["notice"] == odd


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.json")), ids=lambda file: file.stem)
def test_every_example_runner_is_answered_in_every_size(file: Path) -> None:
    request_ = json.loads(file.read_text(encoding="utf-8"))
    sizes = [len(render(assessed(request_), detail=size)) for size in ("full", "codes", "scores")]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[2] < 1_500
