"""Doubts that only show once features and flags are known; each has a stable code."""

from collections.abc import Sequence
from typing import Final, Literal

from app.features import FEATURES, NOT_APPLICABLE
from app.features.facts import thousandths
from app.runners import Finding
from app.scoring.compiled import CompiledRuleSet
from app.scoring.rule_set import Flag
from app.scoring.standing import Standing
from app.scoring.wording import text_in

WITHDRAWN: Final = Finding.model_construct(
    severity="warning",
    code="rule-set-withdrawn",
    pointer="/query/rule_set",
    message="This version of the rules was withdrawn; it is still scored by, and should not be relied on any more.",
)
"""What an answer by a withdrawn version says first; who knows of withdrawals hands it to `assess`."""


def note_findings(rules: CompiledRuleSet, standing: Standing, *, flags: Sequence[Flag]) -> list[Finding]:
    """The findings of one runner, in the order of the request."""
    facts = standing.facts
    runner = facts.runner
    found: list[Finding] = []

    def note(severity: Literal["info", "warning"], code: str, pointer: str, message: str) -> None:
        found.append(Finding.model_construct(severity=severity, code=code, pointer=pointer, message=message))

    for flag in flags:
        if flag.urgency is None:
            pointer = next((FEATURES[part.feature].inputs[0] for part in flag.when if part.feature), "/runner")
            note(
                "warning" if flag.effect == "not_assess" else "info",
                flag.id.replace("_", "-"),
                pointer,
                text_in(flag.text),
            )
    if runner.age_years is None:
        note("info", "age-unknown", "/runner/age_years", "The age is not known; the runner was scored as an adult.")
    years = runner.running_years
    if years is None:
        note(
            "info", "experience-unknown", "/runner/running_years",
            "The running experience is not known: the weekly load counts as unknown, and the rate spans both groups.",
        )  # fmt: skip
    elif thousandths(years) < 1000:
        note("info", "first-year-runner", "/runner/running_years", text_in(rules.document.texts.finding_first_year))
    for part, joint in (("knee", runner.knee), ("lower_back", runner.lower_back)):
        if joint is not None and joint.history == "never" and joint.pain_now:
            note(
                "warning", "pain-without-history", f"/runner/{part}/history",
                "There is pain now in a joint that is said never to have had trouble; both were taken as told.",
            )  # fmt: skip
    if runner.plank_seconds is not None:
        note(
            "info", "plank-shown", "/runner/plank_seconds",
            "Shown, not scored. Half of young athletes held a front plank for 95 s (women) or 110 s (men) or longer "
            "(Chase 2014); a short plank does not foretell back pain.",
        )  # fmt: skip
    spike = standing.reading("session_spike_ratio")
    if isinstance(spike, tuple) and spike[0] and not spike[1]:
        note(
            "warning", "return-after-break", "/training/sessions",
            "The 30 days before a run of the last 7 days hold no other; by judgement it counts as more than double.",
        )  # fmt: skip
    if spike is NOT_APPLICABLE and not facts.has_log and facts.training.weekly_distance_m:
        note(
            "info", "no-session-log", "/training/sessions",
            "Without single sessions the longest run is not known; the weekly distances stand alone.",
        )  # fmt: skip
    return found
