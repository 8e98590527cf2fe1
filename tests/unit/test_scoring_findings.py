"""Doubts that only show once a runner is scored, each under a code that clients may lean on."""

from typing import Any

import pytest

from tests.unit.requests import Json, answer, answer_without_door, codes, document, log, rules, run, wire

ADULT = {"age_years": 41, "running_years": 3}
STEADY = log(run(3, 10_000), run(20, 10_000))


def found(runner: Json, training: Json | None = None) -> list[tuple[str, str, str]]:
    findings = answer(wire(runner, training))["findings"]
    return [(finding["severity"], finding["code"], finding["pointer"]) for finding in findings]


def test_a_well_known_runner_leaves_no_doubt() -> None:
    assert found(ADULT, STEADY) == []


@pytest.mark.parametrize(
    ("runner", "training", "expected"),
    [
        ({"running_years": 3}, {}, [("info", "age-unknown", "/runner/age_years")]),
        ({"age_years": 41}, {}, [("info", "experience-unknown", "/runner/running_years")]),
        ({**ADULT, "running_years": 0.9994}, {}, [("info", "first-year-runner", "/runner/running_years")]),
        ({**ADULT, "running_years": 0.9996}, {}, []),
        ({**ADULT, "running_years": 0}, {}, [("info", "first-year-runner", "/runner/running_years")]),
        (
            {**ADULT, "knee": {"history": "never", "pain_now": 1}},
            {},
            [("warning", "pain-without-history", "/runner/knee/history")],
        ),
        (
            {**ADULT, "lower_back": {"history": "never", "pain_now": 3}, "knee": {"history": "never", "pain_now": 2}},
            {},
            [
                ("warning", "pain-without-history", "/runner/knee/history"),
                ("warning", "pain-without-history", "/runner/lower_back/history"),
            ],
        ),
        ({**ADULT, "knee": {"history": "never", "pain_now": 0}}, {}, []),
        ({**ADULT, "knee": {"history": "recovered", "pain_now": 3}}, {}, []),
        ({**ADULT, "knee": {"pain_now": 3}}, {}, []),
        ({**ADULT, "plank_seconds": 0}, {}, [("info", "plank-shown", "/runner/plank_seconds")]),
        ({**ADULT, "plank_seconds": 300}, {}, [("info", "plank-shown", "/runner/plank_seconds")]),
        (ADULT, log(run(3, 10_000)), [("warning", "return-after-break", "/training/sessions")]),
        (ADULT, log(run(3, 10_000), run(34, 10_000)), [("warning", "return-after-break", "/training/sessions")]),
        (ADULT, log(run(3, 10_000), run(33, 10_000)), []),
        (ADULT, log(run(3, 10_000), since=12), []),
        (ADULT, log(run(9, 10_000)), []),
        (ADULT, log(), []),
        (ADULT, {"weekly_distance_m": [20_000]}, [("info", "no-session-log", "/training/sessions")]),
        (ADULT, {"weekly_distance_m": [20_000], "sessions": []}, [("info", "no-session-log", "/training/sessions")]),
        (ADULT, {"weekly_distance_m": []}, []),
        (
            {**ADULT, "running_years": 0},
            {"weekly_distance_m": [20_000]},
            [
                ("info", "first-year-runner", "/runner/running_years"),
                ("info", "no-session-log", "/training/sessions"),
            ],
        ),
        (
            {**ADULT, "running_years": 0},
            log(run(3, 10_000), weekly_distance_m=[10_000]),
            [("info", "first-year-runner", "/runner/running_years")],
        ),
        ({"age_years": 17, "running_years": 3}, {}, [("warning", "under-18", "/runner/age_years")]),
        ({"age_years": 65, "running_years": 3}, {}, [("info", "age-65-and-over", "/runner/age_years")]),
    ],
)
def test_a_doubt_is_told_where_it_stands(runner: Json, training: Json, expected: list[tuple[str, str, str]]) -> None:
    assert found(runner, training) == expected


def test_doubts_of_reading_come_first_and_the_others_in_the_order_of_the_request() -> None:
    runner = {"knee": {"history": "never", "pain_now": 1}, "plank_seconds": 40}
    answered = answer(wire(runner, log(run(3, 10_000, duration_s=1_400))))
    assert codes(answered) == [
        "doubtful-pace",
        "age-unknown",
        "experience-unknown",
        "pain-without-history",
        "plank-shown",
        "return-after-break",
    ]
    assert all(finding["message"].endswith(".") for finding in answered["findings"])


def test_a_runner_in_the_first_year_is_told_so_in_the_words_of_the_rule_set() -> None:
    answered = answer(wire({**ADULT, "running_years": 0.5}))
    assert answered["findings"][0]["message"] == document().texts.finding_first_year["en"]


def test_a_flag_that_is_only_noted_points_to_what_it_was_derived_from() -> None:
    def change(written: Json) -> None:
        note = {
            "joint": "whole_body", "effect": "note", "urgency": None, "text": "Noted.", "action": "Read it.",
            "basis": "safety_judgement",
        }  # fmt: skip
        tired = {"id": "tired", "when": [{"feature": "sleep_hours", "below": 5}], **note}
        both = {
            "id": "tired_and_cold",
            "when": [{"all": [{"feature": "sleep_hours", "below": 5}, {"feature": "warm_up", "is": "never"}]}],
            **note,
        }
        weak = {
            "id": "weak_core",
            "when": [{"factor": "core_strength", "in": "raised"}, {"feature": "posture", "is": "poor"}],
            **note,
        }
        written["flags"] += [tired, both, weak]

    by = rules(change)
    runner: Any = {**ADULT, "sleep_hours": 4, "warm_up": "never", "core_strength": "weak"}
    answered = answer(wire(runner), by=by)
    assert [(finding["code"], finding["pointer"], finding["message"]) for finding in answered["findings"]] == [
        ("tired", "/runner/sleep_hours", "Noted."),
        ("tired-and-cold", "/runner", "Noted."),
        ("weak-core", "/runner/posture", "Noted."),
    ]
    assert answered["referral"]["reasons"] == []


def test_findings_need_no_door() -> None:
    answered = answer_without_door({"plank_seconds": 40.0})
    assert codes(answered) == ["age-unknown", "experience-unknown", "plank-shown"]
