"""A published rule set on its way to a process that works on it: three plain parts, compiled where the work is done.

Apart from the work itself, because a service names what it hands over from its start, and works on it when asked.
"""

from typing import NamedTuple

from app.errors import Fault, InvalidRuleSetError
from app.rule_sets.documents import parse_canonical
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.rule_set import RuleSetDocument


class Rules(NamedTuple):
    """A published rule set as it goes to the process that works on it."""

    version: str
    digest: str
    canonical: bytes

    def compiled(self) -> CompiledRuleSet:
        """The rules ready to score.

        Raises:
            InvalidRuleSetError: this release cannot load them.
        """
        try:
            document = RuleSetDocument.model_validate(parse_canonical(self.canonical))
        except ValueError:
            fault = Fault("", "rule-set-unloadable", "This release cannot load the rule set.")
            raise InvalidRuleSetError([fault]) from None
        return compile_rule_set(document, version=self.version, digest=self.digest)
