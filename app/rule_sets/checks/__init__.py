"""The promises of a rule set, checked by machine: one row a promise, and a runner who shows where one is broken.

`check_document` looks at a document that has its shape, `check_written` and `check_bytes` at whatever an author wrote.
All are pure: the same document and predecessors give the same findings, and nothing here knows a store, a clock or a
web. A newcomer adds a promise with one function and one row in `CHECKS`; docs/checks.md has a row for every code.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import JsonValue

from app.errors import InvalidRuleSetError
from app.rule_sets import documents
from app.rule_sets.checks.bounds import BOUNDS
from app.rule_sets.checks.cohesion import COHESION
from app.rule_sets.checks.dead_parts import DEAD_PARTS
from app.rule_sets.checks.direction import DIRECTION
from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.examples import EXAMPLES
from app.rule_sets.checks.finding import Check, CheckFinding, Counterexample, Severity
from app.rule_sets.checks.habits import HABITS
from app.rule_sets.checks.identity import IDENTITY
from app.rule_sets.checks.sources import SOURCES
from app.rule_sets.checks.units import UNITS
from app.rule_sets.checks.wording import WORDING
from app.scoring.rule_set import RuleSetDocument

__all__ = [
    "CHECKS",
    "Check",
    "CheckFinding",
    "Counterexample",
    "Severity",
    "check_bytes",
    "check_document",
    "check_written",
    "iter_written",
]

CHECKS: Final[dict[str, Check]] = {
    "cohesion": COHESION,
    "sources": SOURCES,
    "identity": IDENTITY,
    "wording": WORDING,
    "units": UNITS,
    "bounds": BOUNDS,
    "examples": EXAMPLES,
    "habits": HABITS,
    "dead-parts": DEAD_PARTS,
    "direction": DIRECTION,
}
"""Every promise, in the order in which its findings are listed: what takes longest comes last."""


def check_document(document: RuleSetDocument, *, predecessors: Sequence[RuleSetDocument] = ()) -> list[CheckFinding]:
    """Everything that keeps a document from being published, and what its author should look at besides.

    Args:
        document: one that has its shape.
        predecessors: every published version, in any order; ids are never reused with another meaning.

    Returns:
        Findings in the order of `CHECKS`; of a document that cannot score at all only those that need no runner.
    """
    return list(_iter_document(document, predecessors))


def check_written(
    document: dict[str, JsonValue], *, predecessors: Sequence[RuleSetDocument] = ()
) -> list[CheckFinding]:
    """The same of a document as an author wrote it: first whether it has its shape, then all that it promises."""
    return list(iter_written(document, predecessors=predecessors))


def iter_written(
    document: dict[str, JsonValue], *, predecessors: Sequence[RuleSetDocument] = ()
) -> Iterator[CheckFinding]:
    """The same one by one, for who need not know more than the first."""
    model, faults = documents.validate_document(document)
    if model is None:
        yield from (CheckFinding("error", fault.code, fault.pointer, fault.detail) for fault in faults)
        return
    for finding in _iter_document(model, predecessors):
        yield finding._replace(path=documents.authored_pointer(document, finding.path))


def _iter_document(document: RuleSetDocument, predecessors: Sequence[RuleSetDocument]) -> Iterator[CheckFinding]:
    draft = Draft(document, tuple(predecessors))
    for check in CHECKS.values():
        if draft.is_scoreable or not check.needs_rules:
            yield from check.findings(draft)


def check_bytes(raw: bytes, *, media_type: str, predecessors: Sequence[RuleSetDocument] = ()) -> list[CheckFinding]:
    """The same of the bytes of a document: YAML or JSON, whatever is wrong with them."""
    try:
        document = documents.read_document(raw, media_type=media_type)
    except InvalidRuleSetError as refused:
        return [CheckFinding("error", fault.code, fault.pointer, fault.detail) for fault in refused.faults]
    return check_written(document, predecessors=predecessors)
