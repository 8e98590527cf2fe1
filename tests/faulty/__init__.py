"""Faulty rule sets for every check, each found by a counterexample that shows the fault to whoever posts it."""

from tests.faulty.documents import BOUNDS, COHESION, SOURCES, UNITS
from tests.faulty.rule_set import Faulty
from tests.faulty.runners import DEAD_PARTS, DIRECTION, HABITS
from tests.faulty.words import EXAMPLES, IDENTITY, WORDING

FAULTY: list[Faulty] = [
    *COHESION,
    *SOURCES,
    *UNITS,
    *DIRECTION,
    *BOUNDS,
    *DEAD_PARTS,
    *HABITS,
    *IDENTITY,
    *WORDING,
    *EXAMPLES,
]
