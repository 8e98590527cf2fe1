"""A document on the table of the checks, with all that several of them look at: made once, when first asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from app.errors import Fault
from app.rule_sets.checks.finding import Counterexample
from app.rule_sets.checks.reach import Reach
from app.rule_sets.profile_answers import Told
from app.rule_sets.witnesses import Bench, write_request
from app.scoring.coherence import document_faults
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.rule_set import RuleSetDocument

# Faults with which a document can still be compiled and runners scored, so that an answer can show them. Of all others
# only the fault itself is told: what else a check would find may follow from it.
SCOREABLE_WITH: Final = frozenset(
    {
        "above-ceiling",
        "missing-language",
        "missing-reason",
        "mixed-group",
        "no-grade",
        "shares",
        "unknown-placeholder",
        "unknown-source",
        "worse-lowers",
    }
)
VERSION: Final = "0000.0"
DIGEST: Final = f"sha256:{'0' * 64}"


@dataclass(frozen=True)
class Draft:
    """What the checks look at.

    Attributes:
        predecessors: every published version, in any order.
    """

    document: RuleSetDocument
    predecessors: Sequence[RuleSetDocument] = ()

    @cached_property
    def faults(self) -> list[Fault]:
        """What does not hold together; one fault for what two joints share."""
        return list(dict.fromkeys(document_faults(self.document)))

    @cached_property
    def is_scoreable(self) -> bool:
        """Whether runners can be scored with it, whatever else is wrong."""
        return all(fault.code in SCOREABLE_WITH for fault in self.faults)

    @cached_property
    def rules(self) -> CompiledRuleSet:
        """The document compiled; only for one that is scoreable."""
        return compile_rule_set(self.document, version=VERSION, digest=DIGEST)

    @cached_property
    def bench(self) -> Bench:
        """Runners of this document, made to measure; only for one that is scoreable."""
        return Bench(self.rules)

    @cached_property
    def reach(self) -> Reach:
        """Who meets which part of the document; only for one that is scoreable."""
        return Reach(self.bench)

    def shown_by(self, path: str) -> Counterexample | None:
        """A request whose answer holds the part of the document at a path; None where no answer is known to."""
        if not self.is_scoreable:
            return None
        told = self.reach.told_for(path)
        return None if told is None else write_request(told)


def request_of(told: Told | None) -> Counterexample | None:
    """The request of these answers, where there are any."""
    return None if told is None else write_request(told)
