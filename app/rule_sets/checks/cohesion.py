"""The document holds together: what `document_faults` finds, each with a runner who meets it where one can."""

from collections.abc import Iterator
from typing import Final

from app.errors import Fault
from app.rule_sets.checks.draft import Draft, request_of
from app.rule_sets.checks.finding import Check, CheckFinding, Counterexample, Severity
from app.rule_sets.checks.tables import pair_for_band

CODES: Final[dict[str, Severity]] = dict.fromkeys(
    (
        "above-ceiling",
        "gap",
        "missing",
        "missing-language",
        "missing-reason",
        "mixed-group",
        "no-grade",
        "overlap",
        "reference",
        "repeated-id",
        "shares",
        "too-many",
        "unknown-band",
        "unknown-choice",
        "unknown-factor",
        "unknown-feature",
        "unknown-flag",
        "unknown-joint",
        "unknown-placeholder",
        "unknown-source",
        "worse-lowers",
        "wrong-direction",
        "wrong-kind",
    ),
    "error",
)


def find_faults(draft: Draft) -> Iterator[CheckFinding]:
    """Every fault of the parts against each other."""
    for fault in draft.faults:
        yield CheckFinding("error", fault.code, fault.pointer, fault.detail, _shown(draft, fault))


def _shown(draft: Draft, fault: Fault) -> Counterexample | None:
    if not draft.is_scoreable or fault.code == "shares":  # no answer speaks of shares
        return None
    if fault.code == "worse-lowers":
        return pair_for_band(draft, fault.pointer)
    if fault.code == "mixed-group":
        return request_of(draft.reach.alone(int(fault.pointer.split("/")[2])))
    return draft.shown_by(fault.pointer)


COHESION: Final = Check(
    "Every name exists, bands have neither gap nor overlap, weights stay within their grade, and each text is there in "
    "the default language.",
    CODES,
    find_faults,
    needs_rules=False,
)
