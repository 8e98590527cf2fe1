"""Drafts say nothing of a runner: what belongs to a request is found wherever it stands, and unfinished rules pass."""

import copy
from typing import Any

import pytest

from app.errors import InvalidRuleSetError
from app.rule_sets.documents import published_document, shipped_versions
from app.rule_sets.stray_requests import ensure_no_runner

SECRET = "jane-doe"


def pointers(document: dict[str, Any]) -> list[str]:
    """Where members of a request were found; at least one was."""
    with pytest.raises(InvalidRuleSetError) as refused:
        ensure_no_runner(document)
    assert {fault.code for fault in refused.value.faults} == {"request-member"}
    assert SECRET not in str([refused.value.message, *refused.value.faults])
    return [fault.pointer for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"factors": [], "runner": {"sex": SECRET}, "training": {}}, ["/runner", "/training"]),
        ({"factors": [], "as_of": SECRET, "sessions": [SECRET]}, ["/as_of", "/sessions"]),
        ({"levels": None, "age_years": 41, "knee": {"history": SECRET}}, ["/age_years", "/knee"]),
        ({"factors": [{"id": "shoes", "shoes": {"pairs": 1}}]}, ["/factors/0/shoes"]),
        ({"factors": {"runner": SECRET}}, ["/factors/runner"]),
        ({"factors": [[{"pain_now": 3}]]}, ["/factors/0/0/pain_now"]),
        ({"levels": {"age_years": 1}}, ["/levels/age_years"]),
        ({"sources": {"sex": SECRET, "a-2020": {"citation": "…", "sex": SECRET}}}, ["/sources/sex", "/sources/?/sex"]),
        ({"factors": [], SECRET: {"Runner": [{"runner": 1}]}}, ["/?/?/0/runner"]),
        ({"advice": [{"when": [{"all": [{"pain_now": 3}]}]}]}, ["/advice/0/when/0/all/0/pain_now"]),
        ({"examples": [{"runner": {}}]}, ["/examples/0/runner"]),
        ({"items": [{"id": SECRET, "request": {"runner": {}}}], "flags": []}, ["/?/0/request/runner"]),
    ],
)
def test_a_member_of_a_request_is_found_wherever_it_stands_and_its_value_is_not_told(
    document: dict[str, Any], found: list[str]
) -> None:
    assert pointers(document) == found


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"factors": None},
        {"factors": "later"},
        {"factors": [{"id": "warm_up", "note": "check the share", "bands": [{"from": 0, "weight": 1}]}]},
        {"factors": [{"joints": {"knee": {"grade": None}, "hip": {}}}], "levels": []},
        {"advice": [{"id": "warm_up", "sets": {"warm_up": "usually", "sleep_hours": "> 7"}}]},
        {"examples": [{"request": {"runner": {"sex": "female"}, "training": {}}, "points": {"knee": {"posture": 1}}}]},
    ],
)
def test_rules_that_are_not_right_yet_say_nothing_of_a_runner(document: dict[str, Any]) -> None:
    ensure_no_runner(document)


@pytest.mark.parametrize("version", shipped_versions())
def test_a_shipped_rule_set_can_be_a_draft_and_not_with_a_runner_in_any_of_its_parts(version: str) -> None:
    document = published_document(version)
    ensure_no_runner(document)

    for name in document:
        spoiled = copy.deepcopy(document)
        part: Any = spoiled[name]
        (part[0] if isinstance(part, list) else part)["age_years"] = 41
        assert pointers(spoiled) == [f"/{name}/0/age_years" if isinstance(part, list) else f"/{name}/age_years"]
