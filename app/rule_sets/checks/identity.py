"""An id means one thing for ever: callers keep ids for years, and answers of old versions lie in their databases.

What an id stands for may be measured anew, weighed anew and worded anew. It may not become something else: another
feature, another direction, another joint, another kind of thing, another work.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final, TypeVar

from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.finding import Check, CheckFinding
from app.rule_sets.cuts import parts_of
from app.scoring.rule_set import Advice, Benefit, Factor, Flag, RuleSetDocument, Source

Part = TypeVar("Part", Factor, Flag, Advice, Benefit)
Difference = tuple[str, str]
"""Where below the part it lies, and what the id meant before."""


def find_reused_ids(draft: Draft) -> Iterator[CheckFinding]:
    """Ids that meant something else in an earlier version; each place once, whichever version says so."""
    told: set[str] = set()
    for earlier in draft.predecessors:
        for path, meaning in _reused(draft.document, earlier):
            if path not in told:
                told.add(path)
                message = f"In an earlier version this id meant something else: {meaning}. Give the new thing a new id."
                yield CheckFinding("error", "id-reused", path, message, draft.shown_by(path))


def _reused(document: RuleSetDocument, earlier: RuleSetDocument) -> Iterator[Difference]:
    yield from _side_by_side("factors", document.factors, earlier.factors, _of_factor)
    yield from _side_by_side("flags", document.flags, earlier.flags, _of_flag)
    yield from _side_by_side("advice", document.advice, earlier.advice, _of_advice)
    yield from _side_by_side("benefits", document.benefits, earlier.benefits, _of_benefit)
    yield from _of_levels(document, earlier)
    for id_ in document.sources.keys() & earlier.sources.keys():
        for field, before in _of_source(document.sources[id_], earlier.sources[id_]):
            yield f"/sources/{id_}/{field}", before


def _side_by_side(
    name: str, parts: Sequence[Part], earlier: Sequence[Part], differences: Callable[[Part, Part], Iterable[Difference]]
) -> Iterator[Difference]:
    before = {part.id: part for part in earlier}
    for number, part in enumerate(parts):
        if part.id in before:
            for place, meaning in differences(part, before[part.id]):
                yield f"/{name}/{number}/{place}", meaning


def _of_factor(now: Factor, before: Factor) -> Iterator[Difference]:
    shared = [joint for joint in before.joints if joint in now.joints]
    if not shared:
        yield "joints", f"something of the {', '.join(before.joints)}"
    places: dict[str, str] = {}
    for joint in shared:
        if now.feature_of(joint) != before.feature_of(joint):
            place = f"joints/{joint}/feature" if now.joints[joint].feature else "feature"
            places[place] = f"the feature {before.feature_of(joint)}"
    yield from places.items()
    if now.worse_when != before.worse_when and not places:
        yield "worse_when", f"worse when {before.worse_when}"


def _of_flag(now: Flag, before: Flag) -> Iterator[Difference]:
    if now.joint != before.joint:
        yield "joint", f"something of the {before.joint.replace('_', ' ')}"
    if (now.question is None) != (before.question is None):
        yield (
            "question" if now.question else "when",
            "a question that is asked" if before.question else "derived from the profile",
        )
    elif before.when:
        read, was_read = ({part.feature for part in parts_of(flag.when) if part.feature} for flag in (now, before))
        if not read & was_read:
            yield "when", f"a reading of {', '.join(sorted(was_read))}"


def _of_advice(now: Advice, before: Advice) -> Iterator[Difference]:
    if now.category != before.category:
        yield "category", f"advice on {before.category}"
    if not set(now.joints) & set(before.joints):
        yield "joints", f"advice for the {', '.join(before.joints)}"
    if now.sets and before.sets and not now.sets.keys() & before.sets.keys():
        yield "sets", f"a change of {', '.join(before.sets)}"


def _of_benefit(now: Benefit, before: Benefit) -> Iterator[Difference]:
    if not set(now.sources) & set(before.sources):
        yield "sources", f"what {', '.join(before.sources)} found"


def _of_levels(document: RuleSetDocument, earlier: RuleSetDocument) -> Iterator[Difference]:
    order = {cut.id: place for place, cut in enumerate(earlier.levels.cuts)}
    shared = [(number, cut.id) for number, cut in enumerate(document.levels.cuts) if cut.id in order]
    for (_, lower), (number, higher) in combinations(shared, 2):
        if order[lower] > order[higher]:
            yield f"/levels/cuts/{number}/id", f"a level below {lower}"


def _of_source(now: Source, before: Source) -> Iterator[Difference]:
    for field in ("doi", "pmid", "pmcid"):
        one, other = getattr(now, field), getattr(before, field)
        if one and other and one.lower() != other.lower():
            yield field, f"the work {other}"


IDENTITY: Final = Check(
    "No id that was ever published means another thing now: feature, direction, joint, kind, order or work.",
    {"id-reused": "error"},
    find_reused_ids,
    needs_rules=False,
)
