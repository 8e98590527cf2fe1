"""An id may be measured, weighed and worded anew; it may not become something else."""

from typing import Any

import pytest

from app.rule_sets.checks import CHECKS, CheckFinding
from app.rule_sets.checks.draft import Draft
from app.scoring.rule_set import RuleSetDocument
from tests.faulty.rule_set import entry, put, shipped, source
from tests.unit.requests import Change, Json


def findings(change: Change, *, earlier: Change | None = None) -> list[CheckFinding]:
    """What is found in a changed 2026.1, published after 2026.1 or after another change of it."""
    written, before = shipped(), shipped()
    change(written)
    if earlier is not None:
        earlier(before)
    predecessors = (RuleSetDocument.model_validate(before), RuleSetDocument.model_validate(shipped()))
    return list(CHECKS["identity"].findings(Draft(RuleSetDocument.model_validate(written), predecessors)))


def nothing(_: Json) -> None:
    """The document as it was."""


@pytest.mark.parametrize(
    "change",
    [
        nothing,
        put("factors", "session_spike", "bands/1/ratio", 1.7),
        put("factors", "session_spike", "bands/1/share", 0.2),
        put("factors", "session_spike", "title", "The longest run"),
        put("factors", "sleep_short", "group", "sleep"),
        put("factors", "long_event", "joints/lower_back", {"grade": "very_low", "weight": 0.25}),
        put("flags", "kn_locked", "question", "Is your knee stuck?"),
        put("flags", "kn_locked", "urgency", "emergency"),
        put("flags", "under_18", "when/0/below", 16),
        put("advice", "sleep7", "text", "Sleep. This does not show why."),
        put("advice", "cap_single_run", "joints", ["knee"]),
        put("benefits", "bone", "text", "Runners have denser hips."),
        source("nakaoka-2021", pmid="1234"),
        lambda written: written["levels"]["cuts"][1].update({"from": 40}),
        lambda written: written["advice"].pop(),
    ],
)
def test_the_same_thing_measured_anew_keeps_its_id(change: Change) -> None:
    assert findings(change) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            put("factors", "current_complaint", "joints/lower_back/feature", "low_back_episodes"),
            "/joints/lower_back/feature",
        ),
        (put("factors", "bmi_back", "joints", {"knee": {"grade": "moderate", "weight": 0.75}}), "/joints"),
        (put("flags", "under_18", "when", [{"feature": "running_years", "below": 1}]), "/when"),
        (put("advice", "sleep7", "sets", {"life_stress": "reference"}), "/sets"),
        (put("advice", "early_niggle_back", "joints", ["knee"]), "/joints"),
    ],
)
def test_another_thing_under_an_old_id_is_found(change: Change, path: str) -> None:
    (found,) = findings(change)

    assert (found.code, found.severity) == ("id-reused", "error")
    assert found.path.endswith(path)


def test_a_question_that_is_no_longer_asked_is_another_flag() -> None:
    def change(written: Json) -> None:
        flag: dict[str, Any] = entry(written, "flags", "kn_locked")
        del flag["question"]
        flag["when"] = [{"feature": "knee_pain_now", "from": 9}]

    assert [found.path.rpartition("/")[2] for found in findings(change)] == ["when"]


def test_an_id_that_came_back_is_held_to_every_earlier_version() -> None:
    def other(written: Json) -> None:
        entry(written, "factors", "sleep_short")["feature"] = "other_sport_hours_per_week"

    assert len(findings(other, earlier=other)) == 1
    assert len(findings(nothing, earlier=other)) == 1


def test_one_place_is_told_once_however_many_versions_say_so() -> None:
    change = put("flags", "kn_locked", "joint", "lower_back")

    assert len(findings(change, earlier=nothing)) == 1
