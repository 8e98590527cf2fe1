"""Nothing in the document is dead: every band, level, flag, advice and benefit has a runner who meets it."""

from collections.abc import Iterator
from typing import Final

from app.features import FEATURES
from app.rule_sets.checks.draft import Draft, request_of
from app.rule_sets.checks.finding import Check, CheckFinding, Counterexample
from app.runners import JointId


def find_dead_parts(draft: Draft) -> Iterator[CheckFinding]:
    """Parts that nobody meets; the counterexample is who comes nearest, in whose answer the part is missing."""
    yield from _bands(draft)
    yield from _levels(draft)
    reach, document = draft.reach, draft.document
    for number, flag in enumerate(document.flags):
        if reach.flag(number) is None:
            message = "No runner raises this flag."
            shown = request_of(reach.nearly(flag.when))
            yield CheckFinding("error", "dead-flag", f"/flags/{number}", message, shown)
    for number, advice in enumerate(document.advice):
        if reach.advice(number) is None:
            message = "No runner is given this advice."
            shown = request_of(reach.nearly(advice.when))
            yield CheckFinding("error", "dead-advice", f"/advice/{number}", message, shown)
    for number, benefit in enumerate(document.benefits):
        if reach.benefit(number) is None:
            message = "No runner is told of this benefit."
            shown = request_of(reach.nearly(benefit.when))
            yield CheckFinding("error", "dead-benefit", f"/benefits/{number}", message, shown)


def _bands(draft: Draft) -> Iterator[CheckFinding]:
    for number, factor in enumerate(draft.document.factors):
        looked: set[str] = set()
        for joint, at_joint in factor.joints.items():
            own = f"/factors/{number}/joints/{joint}/bands" if at_joint.bands else f"/factors/{number}/bands"
            if own in looked:
                continue
            looked.add(own)
            for place, band in enumerate(factor.bands_of(joint)):
                told = draft.reach.band(number, joint, place)
                if told is None:
                    message = "No request puts a runner in this band."
                    shown = _nearest(draft, number, joint, place)
                    yield CheckFinding("error", "dead-band", f"{own}/{place}", message, shown)
                elif band.effects and not band.share and not FEATURES[factor.feature_of(joint)].may_not_apply:
                    message = "The band carries points, and its share says that nobody stands in it."
                    yield CheckFinding("error", "empty-band", f"{own}/{place}/share", message, request_of(told))


def _nearest(draft: Draft, number: int, joint: JointId, band: int) -> Counterexample | None:
    """Somebody in the nearest band that anybody stands in."""
    count = len(draft.document.factors[number].bands_of(joint))
    for other in sorted(range(count), key=lambda each: abs(each - band)):
        told = draft.reach.band(number, joint, other)
        if told is not None:
            return request_of(told)
    return None


def _levels(draft: Draft) -> Iterator[CheckFinding]:
    cuts = draft.document.levels.cuts
    reached = draft.reach.levels
    for number, cut in enumerate(cuts):
        if cut.id not in reached and not draft.reach.attains(cut.id):
            message = "No runner's score reaches this level."
            shown = request_of(draft.reach.farthest(end="highest" if number else "lowest"))
            yield CheckFinding("error", "dead-level", f"/levels/cuts/{number}", message, shown)


DEAD_PARTS: Final = Check(
    "Every band, level, flag, advice and benefit has a runner whose answer holds it.",
    {
        "dead-band": "error",
        "empty-band": "error",
        "dead-level": "error",
        "dead-flag": "error",
        "dead-advice": "error",
        "dead-benefit": "error",
    },
    find_dead_parts,
)
