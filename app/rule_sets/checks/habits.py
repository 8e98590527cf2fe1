"""Advice is about what can be changed, does not make things worse, and says no more than its evidence shows."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from app.rule_sets.checks.draft import Draft, request_of
from app.rule_sets.checks.finding import Check, CheckFinding
from app.rule_sets.checks.texts import DEFAULT_LANGUAGE
from app.rule_sets.profile_answers import Told
from app.scoring.rule_set import Advice

RUNNERS_A_CONDITION: Final = 40
_SHOWS_NO_REASON: Final = re.compile(r"\b(?:does|do|did|can|could)(?:\s+not|n[o']t) (?:show|prove|tell|say)\b")


def find_unfair_advice(draft: Draft) -> Iterator[CheckFinding]:
    """Advice that blames, harms or overclaims."""
    factors = {factor.id: factor for factor in draft.document.factors}
    for number, advice in enumerate(draft.document.advice):
        place = f"/advice/{number}"
        for id_ in advice.sets:
            if not factors[id_].modifiable:
                message = f"The advice sets {id_}, which nobody can change."
                yield CheckFinding(
                    "error", "advice-unchangeable", f"{place}/sets/{id_}", message, draft.shown_by(place)
                )
        if advice.basis == "association" and not _SHOWS_NO_REASON.search(advice.text.get(DEFAULT_LANGUAGE, "")):
            message = "Advice that rests on an association says that it does not show the reason."
            yield CheckFinding("error", "association-unsaid", f"{place}/text", message, draft.shown_by(place))
        told = _who_is_harmed(draft, advice)
        if told is not None:
            message = "A runner who follows this advice has a higher score."
            yield CheckFinding("error", "advice-raises-score", f"{place}/sets", message, request_of(told))


def _who_is_harmed(draft: Draft, advice: Advice) -> Told | None:
    """A runner whose similar runner, who does as advised, scores higher."""
    for condition in advice.when if advice.sets else ():
        for told in islice(draft.bench.meeting(condition), RUNNERS_A_CONDITION):
            # All else as good as it can be and known, so that the joints are scored.
            whole = {**draft.bench.at_reference, **told}
            found = draft.bench.grade(whole)
            for given in () if found is None else found.grading.advice:
                if given.advice is advice and found is not None:
                    for joint, score in (given.similar_scores or {}).items():
                        own = found.grading.joints[joint].score
                        if own is not None and score > own:
                            return whole
    return None


HABITS: Final = Check(
    "Advice changes only what a runner can change, raises nobody's score, and where it rests on an association it says "
    "that this does not show the reason.",
    {"advice-unchangeable": "error", "association-unsaid": "error", "advice-raises-score": "error"},
    find_unfair_advice,
)
