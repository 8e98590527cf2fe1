"""What a check says of a draft: a stable code, a place, a sentence, and a runner who shows it."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pydantic import JsonValue

if TYPE_CHECKING:
    from app.rule_sets.checks.draft import Draft

Severity = Literal["error", "warning"]
Counterexample: TypeAlias = dict[str, JsonValue]
"""A whole request for `POST /v1/scores`, or two of them under `better` and `worse`."""


class CheckFinding(NamedTuple):
    """One broken promise of a rule-set document.

    Attributes:
        severity: an `error` keeps the document from being published, a `warning` does not.
        code: stable and public; docs/checks.md says what each promises.
        path: JSON Pointer into the document.
        message: one sentence for the author.
        counterexample: a request in whose answer the fault can be seen, or two of them; None where no answer shows it.
    """

    severity: Severity
    code: str
    path: str
    message: str
    counterexample: Counterexample | None = None


class Check(NamedTuple):
    """One promise that every rule set keeps, and how a draft is looked at for it.

    Attributes:
        promise: what holds of a document without findings, in one sentence.
        codes: every code that its findings can have, each with its severity.
        look: finds where the promise is broken.
        needs_rules: whether it scores runners, so that it can only look at a document that can be compiled.
    """

    promise: str
    codes: dict[str, Severity]
    look: "Callable[[Draft], Iterable[CheckFinding]]"
    needs_rules: bool = True

    def findings(self, draft: "Draft") -> Iterator[CheckFinding]:
        """Everything that breaks the promise."""
        return iter(self.look(draft))
