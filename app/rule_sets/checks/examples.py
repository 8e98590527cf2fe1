"""The worked examples hold: each is read and scored as a caller's request would be."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, cast

from pydantic import JsonValue

from app.errors import InvalidInputError
from app.features import derive_facts
from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.finding import Check, CheckFinding
from app.rule_sets.training_logs import AS_OF
from app.runners import read_request
from app.scoring.advice import raise_flags
from app.scoring.engine import Grading, grade
from app.scoring.rule_set import Example
from app.scoring.standing import grounds_of

AHEAD_MOST: Final = timedelta(days=3_650)


def find_false_examples(draft: Draft) -> Iterator[CheckFinding]:
    """Examples that do not come out as they say."""
    for number, example in enumerate(draft.document.examples):
        place = f"/examples/{number}"
        request = cast("dict[str, JsonValue]", example.request)
        try:
            read = read_request(json.dumps(example.request).encode(), today=_day_of(example))
            standing = grounds_of(draft.rules).stand(derive_facts(read.request, as_of=read.as_of))
            grading = grade(draft.rules, standing, raise_flags(draft.rules, standing))
        except InvalidInputError as refused:
            fault = refused.faults[0]
            message = f"The service refuses this request: {fault.code} at {fault.pointer or 'the top'}."
            yield CheckFinding("error", "example-refused", f"{place}/request", message, request)
            continue
        for path, message in _differences(draft, example, grading):
            yield CheckFinding("error", "example-differs", f"{place}{path}", message, request)


def _day_of(example: Example) -> date:
    """A today on which the example's own day is not in the future, unless it is far in the future."""
    try:
        return min(max(AS_OF, date.fromisoformat(str(example.request.get("as_of")))), AS_OF + AHEAD_MOST)
    except ValueError:
        return AS_OF


def _differences(draft: Draft, example: Example, grading: Grading) -> Iterator[tuple[str, str]]:
    for joint, expected in example.points.items():
        tables = draft.rules.joints[joint]
        totals = grading.joints[joint].totals
        given: dict[str, int] = {tables.pairs[position].factor.id: 0 for position, _ in tables.excluded}
        for group, index in zip(tables.groups, totals.entries, strict=True):
            for member, share in zip(group.members, group.entries[index].shares, strict=True):
                given[member.pair.factor.id] = share.points
        for factor, points in expected.items():
            if factor not in given:
                yield f"/points/{joint}/{factor}", f"No factor of this id acts on {joint}."
            elif points * 100 != given[factor]:
                yield (
                    f"/points/{joint}/{factor}",
                    f"The example says {points} points, the rules give {given[factor] / 100:g}.",
                )
    for joint, assessed in grading.joints.items():
        for name, says, gives in (
            ("scores", example.scores, assessed.score),
            ("levels", example.levels, assessed.level),
            ("statuses", example.statuses, assessed.status),
        ):
            expected_one: object = says.get(joint, gives)
            if expected_one != gives:
                yield f"/{name}/{joint}", f"The example says {_said(expected_one)}, the rules give {_said(gives)}."
    if example.advice is not None:
        advice = [each.advice.id for each in grading.advice]
        if advice != example.advice:
            yield "/advice", f"The rules give this advice: {', '.join(advice) or 'none'}."


def _said(one: object) -> object:
    return "none" if one is None else one


EXAMPLES: Final = Check(
    "Every worked example is a request that the service takes, and comes out as the example says.",
    {"example-refused": "error", "example-differs": "error"},
    find_false_examples,
)
