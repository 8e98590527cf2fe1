"""Break any one promise by editing 2026.1: whatever is broken, the checks find an error, so nobody can publish it."""

import os

import pytest

from app.rule_sets.checks import iter_written
from app.scoring.rule_set import RuleSetDocument
from tests.faulty.breaks import BREAKS, Break, broken
from tests.faulty.rule_set import shipped

# One place for each way by default; more with `BREAKS_A_WAY=10`.
SEEDS = range(int(os.environ.get("BREAKS_A_WAY", "1")))
SHIPPED = RuleSetDocument.model_validate(shipped())


def test_there_are_twenty_ways_to_break_a_promise() -> None:
    assert len(BREAKS) == 20


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", BREAKS, ids=lambda change: change.__name__)
def test_a_broken_promise_is_refused(change: Break, seed: int) -> None:
    written = broken(change, seed=seed)
    assert written != shipped()

    # The first error is enough to refuse; the rest of the search need not be waited for.
    errors = (found for found in iter_written(written, predecessors=[SHIPPED]) if found.severity == "error")
    assert next(errors, None) is not None
