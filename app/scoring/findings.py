"""Doubts that only show once features and flags are known; each has a stable code.

Every finding is one of a few, the same for every runner who gets it, so each is made once.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, cast

from app.features import FEATURES, NOT_APPLICABLE
from app.features.facts import thousandths
from app.runners import Finding, Runner
from app.scoring.compiled import CompiledRuleSet
from app.scoring.rule_set import Flag
from app.scoring.standing import Standing
from app.scoring.wording import text_in


def _finding(severity: Literal["info", "warning"], code: str, pointer: str, message: str) -> Finding:
    return Finding.model_construct(severity=severity, code=code, pointer=pointer, message=message)


WITHDRAWN: Final = _finding(
    "warning",
    "rule-set-withdrawn",
    "/query/rule_set",
    "This version of the rules was withdrawn; it is still scored by, and should not be relied on any more.",
)
"""What an answer by a withdrawn version says first; who knows of withdrawals hands it to `assess`."""

_AGE_UNKNOWN: Final = _finding(
    "info", "age-unknown", "/runner/age_years", "The age is not known; the runner was scored as an adult."
)
_EXPERIENCE_UNKNOWN: Final = _finding(
    "info",
    "experience-unknown",
    "/runner/running_years",
    "The running experience is not known: the weekly load counts as unknown, and the rate spans both groups.",
)
_PAIN_IN_KNEE, _PAIN_IN_BACK = (
    _finding(
        "warning",
        "pain-without-history",
        f"/runner/{part}/history",
        "There is pain now in a joint that is said never to have had trouble; both were taken as told.",
    )
    for part in ("knee", "lower_back")
)
_PLANK_SHOWN: Final = _finding(
    "info",
    "plank-shown",
    "/runner/plank_seconds",
    "Shown, not scored. Half of young athletes held a front plank for 95 s (women) or 110 s (men) or longer "
    "(Chase 2014); a short plank does not foretell back pain.",
)
_RETURN_AFTER_BREAK: Final = _finding(
    "warning",
    "return-after-break",
    "/training/sessions",
    "The 30 days before a run of the last 7 days hold no other; by judgement it counts as more than double.",
)
_NO_SESSION_LOG: Final = _finding(
    "info",
    "no-session-log",
    "/training/sessions",
    "Without single sessions the longest run is not known; the weekly distances stand alone.",
)


class _Texts(NamedTuple):
    """The findings whose texts stand in the rule set: of first-year runners, and by flag."""

    first_year: Finding
    of_flags: dict[str, Finding]


def note_findings(rules: CompiledRuleSet, standing: Standing, *, flags: Sequence[Flag]) -> list[Finding]:
    """The findings of one runner, in the order of the request."""
    facts = standing.facts
    texts = _texts_of(rules)
    found = [texts.of_flags[flag.id] for flag in flags if flag.urgency is None] if flags else []
    _note_profile(facts.runner, texts, found)
    spike = standing.reading("session_spike_ratio")
    if spike is NOT_APPLICABLE:
        if not facts.has_log and facts.training.weekly_distance_m:
            found.append(_NO_SESSION_LOG)
    elif isinstance(spike, tuple) and spike[0] and not spike[1]:
        found.append(_RETURN_AFTER_BREAK)
    return found


def _note_profile(runner: Runner, texts: _Texts, found: list[Finding]) -> None:
    if runner.age_years is None:
        found.append(_AGE_UNKNOWN)
    years = runner.running_years
    if years is None:
        found.append(_EXPERIENCE_UNKNOWN)
    elif thousandths(years) < 1000:
        found.append(texts.first_year)
    for joint, finding in ((runner.knee, _PAIN_IN_KNEE), (runner.lower_back, _PAIN_IN_BACK)):
        if joint is not None and joint.pain_now and joint.history == "never":
            found.append(finding)
    if runner.plank_seconds is not None:
        found.append(_PLANK_SHOWN)


def _texts_of(rules: CompiledRuleSet) -> _Texts:
    kept = rules.carried.get("findings")
    if kept is None:
        first_year = text_in(rules.document.texts.finding_first_year)
        kept = rules.carried["findings"] = _Texts(
            _finding("info", "first-year-runner", "/runner/running_years", first_year),
            {flag.id: _finding_of(flag) for flag in rules.document.flags if flag.urgency is None},
        )
    return cast(_Texts, kept)


def _finding_of(flag: Flag) -> Finding:
    pointer = next((FEATURES[part.feature].inputs[0] for part in flag.when if part.feature), "/runner")
    severity: Literal["info", "warning"] = "warning" if flag.effect == "not_assess" else "info"
    return _finding(severity, flag.id.replace("_", "-"), pointer, text_in(flag.text))
