"""Worse never lowers, on the whole answer: runners side by side who differ in one feature, one worse than the other.

The tables are proved entry by entry (`tables.py`). What only shows when everything is put together is searched for:
two factors that pull one feature both ways, a flag that lets go of a joint or becomes less urgent as things get worse,
advice that leaves whom it was meant for. Both runners of a pair read alike in everything but the one feature.

Advice is lost when, of two runners whose joints are all scored, the worse one

* no longer has any advice to see a professional for a joint, where the better one had, or
* no longer has any advice that changes a habit (`sets` its factor) which is worse now than when there was some.

Other advice may come and go: praise for a good warm-up, or a hint that holds for light pain only.
"""

import random
from collections.abc import Callable, Hashable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import Final, Literal, NamedTuple, TypeAlias

from app.features import FEATURES, Reading
from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.finding import Check, CheckFinding
from app.rule_sets.checks.tables import find_lower_entries, pair_of
from app.rule_sets.profile_answers import Told
from app.rule_sets.witnesses import TRAINING_FEATURES, Bench, Graded, join, without_inputs
from app.runners import JOINTS, JointId
from app.scoring.advice import URGENCY_RANK
from app.scoring.standing import Standing

Way = Literal["higher", "lower", "later"]
Badness: TypeAlias = Callable[[Reading], Fraction | None]
"""How bad a reading is, the more the worse; None for one that cannot be compared."""

MIXED_RUNNERS: Final = 24
TRAINING_BACKGROUNDS: Final = 8
RUNNERS_MOST: Final = 30_000
"""How many runners one search scores; 2026.1 needs less than half of that."""
ANSWERS_A_CELL: Final = 3
SEED: Final = 20262
BEYOND_ALL: Final = Fraction(10**12)
HOLD_RANK: Final = {"note": 0, "not_assess": 1, "suspend": 2}

# What nobody doubts the direction of, where no factor declares one: flags and advice read these.
WORSE_LATER: Final = (
    *("knee_history", "lower_back_history", "other_injury_history"),
    *("knee_pain_at_rest", "lower_back_pain_at_rest"),
    *("knee_surgery_clearance", "lower_back_surgery_clearance"),
)
WORSE_HIGHER: Final = ("knee_pain_now", "lower_back_pain_now")


class Direction(NamedTuple):
    """Which way a feature gets worse, and where in the document that is said."""

    feature: str
    badness: Badness
    path: str


class Seen(NamedTuple):
    """One runner, assessed.

    Attributes:
        alike: what must be the same of two runners for the feature to be all that differs.
    """

    told: Told
    found: Graded
    badness: Fraction
    alike: Hashable


def find_lowering(draft: Draft) -> Iterator[CheckFinding]:
    """Where a worse runner fares better: first by construction, then by search; each place once."""
    lower = list(find_lower_entries(draft))
    yield from lower
    told = [finding.path for finding in lower]
    told += [fault.pointer for fault in draft.faults if fault.code == "worse-lowers"]
    by_construction = {path.split("/")[2] for path in told}
    answered = [
        (direction, _answers(draft, direction))
        for direction in _directions(draft)
        if not by_construction & set(direction.path.split("/")[2:3])
    ]
    answered.sort(key=lambda each: len(each[1]))  # what costs most comes last
    scored = 0
    seen: set[tuple[str, str]] = set()
    for place, background in enumerate(_backgrounds(draft)):
        for direction, answers in answered:
            if place >= TRAINING_BACKGROUNDS and direction.feature in TRAINING_FEATURES:
                continue
            scored += len(answers)
            if scored > RUNNERS_MOST:
                return
            for finding in _compare_along(draft, direction, answers, background):
                if (finding.code, finding.path) not in seen:
                    seen.add((finding.code, finding.path))
                    yield finding


# --- which way is worse ----------------------------------------------------------------------------------------------


def _directions(draft: Draft) -> Iterator[Direction]:
    declared: dict[Hashable, Direction] = {}
    read: set[str] = set()
    for number, factor in enumerate(draft.document.factors):
        for joint in factor.joints:
            feature = factor.feature_of(joint)
            read.add(feature)
            places = (
                {choice: place for place, band in enumerate(factor.bands_of(joint)) for choice in band.is_ or ()}
                if factor.worse_when == "later"
                else {}
            )
            key = (feature, factor.worse_when, tuple(sorted(places.items())))
            direction = Direction(feature, _badness(factor.worse_when, places), f"/factors/{number}/worse_when")
            declared.setdefault(key, direction)
    yield from declared.values()
    for feature in WORSE_LATER:
        if feature not in read:
            order = {choice: place for place, choice in enumerate(FEATURES[feature].choices)}
            yield Direction(feature, _badness("later", order), "")
    for feature in WORSE_HIGHER:
        if feature not in read:
            yield Direction(feature, _badness("higher", {}), "")


def _badness(way: Way, places: dict[str, int]) -> Badness:
    def badness(reading: Reading) -> Fraction | None:
        if isinstance(reading, str):
            # A choice beside numbers ("never") is better than all of them.
            return Fraction(places[reading]) if way == "later" else -BEYOND_ALL
        if not isinstance(reading, tuple):
            return None
        number = Fraction(*reading) if reading[1] else BEYOND_ALL
        return -number if way == "lower" else number

    return badness


# --- who is compared -------------------------------------------------------------------------------------------------


def _backgrounds(draft: Draft) -> Iterator[Told]:
    """Runners in whom one feature is then moved: of nobody known, at reference, mixed, with a flag, with advice."""
    reach, document = draft.reach, draft.document
    made: list[Told] = []
    for told in chain(
        ({}, draft.bench.at_reference),
        (_mix(draft.bench, chance) for chance in map(random.Random, range(SEED, SEED + MIXED_RUNNERS))),
        (reach.flag(number) for number, flag in enumerate(document.flags) if flag.when),
        (reach.advice(number) for number in range(len(document.advice))),
    ):
        if told is not None and told not in made:
            made.append(told)
            yield told


def _mix(bench: Bench, chance: random.Random) -> Told:
    """A runner of whom about half is known, drawn from the answers on every side of every cut."""
    features = list(dict.fromkeys(ruler.feature for ruler in bench.rules.rulers))
    told: Told = {}
    for feature in chance.sample(features, len(features)):
        if chance.random() < 0.6:
            told = join(told, chance.choice(bench.witnesses(feature)).told) or told
    return told


def _answers(draft: Draft, direction: Direction) -> list[Told]:
    """Answers for the feature, at most a few for each cell that the rules can tell apart."""
    bench, feature = draft.bench, direction.feature
    if len({bench.cell(feature, one.reading) for one in bench.witnesses(feature)}) < 2:
        return []  # the rules cannot tell one reading from another
    kept: dict[Hashable, list[Told]] = {}
    of_training = feature in TRAINING_FEATURES
    for place, one in enumerate(bench.witnesses(feature)):
        if direction.badness(one.reading) is None:
            continue
        # One log moves all features of the training at once.
        cell: Hashable = bench.log_cells[place] if of_training else bench.cell(feature, one.reading)
        here = kept.setdefault(cell, [])
        if len(here) < (1 if of_training else ANSWERS_A_CELL):
            here.append(one.told)
    return list(chain.from_iterable(kept.values()))


def _compare_along(
    draft: Draft, direction: Direction, answers: Sequence[Told], background: Told
) -> Iterator[CheckFinding]:
    rest = without_inputs(background, [direction.feature])
    groups: dict[Hashable, list[Seen]] = {}
    for answer in answers:
        seen = _see(draft.bench, direction, rest, answer)
        if seen is not None:
            groups.setdefault(seen.alike, []).append(seen)
    for group in groups.values():
        group.sort(key=lambda seen: seen.badness)
        for place, worse in enumerate(group):
            better = next((each for each in reversed(group[:place]) if each.badness < worse.badness), None)
            if better is not None:
                yield from _compare(draft, direction, better, worse)


def _see(bench: Bench, direction: Direction, rest: Told, answer: Told) -> Seen | None:
    told = join(rest, answer)
    found = None if told is None else bench.grade(told)
    if told is None or found is None:
        return None
    badness = direction.badness(found.standing.reading(direction.feature))
    return None if badness is None else Seen(told, found, badness, _alike(bench, found.standing, direction.feature))


def _alike(bench: Bench, standing: Standing, feature: str) -> Hashable:
    """Where a runner stands in all but one feature: bands, and conditions that hold."""
    masks = tuple(
        mask for ruler, mask in zip(bench.rules.rulers, standing.masks, strict=True) if ruler.feature != feature
    )
    own = standing.grounds.slot_of.get(feature)
    bits = 0
    for number, place in enumerate(standing.places):
        if number != own:
            bits |= place.bits
    return masks, bits


# --- what must not happen --------------------------------------------------------------------------------------------


def _compare(draft: Draft, direction: Direction, better: Seen, worse: Seen) -> Iterator[CheckFinding]:
    for code, path, message in _broken(draft, direction, better.found, worse.found):
        yield CheckFinding("error", code, path, message, pair_of(better.told, worse.told))


def _broken(draft: Draft, direction: Direction, better: Graded, worse: Graded) -> Iterator[tuple[str, str, str]]:
    title = FEATURES[direction.feature].title
    for joint in JOINTS:
        one, other = better.grading.joints[joint], worse.grading.joints[joint]
        if any(low > high for low, high in zip(one.totals[1:4], other.totals[1:4], strict=True)):
            message = f"The {joint} of a runner who differs only in being worse off ({title}) scores lower."
            yield "worse-lowers-score", direction.path, message
        # By flags alone: that too little is known of the better runner is no fault.
        if _hold(worse, joint) < _hold(better, joint):
            path = _lost_flag(draft, better, worse)
            message = f"A runner who differs only in being worse off ({title}) has the {joint} scored again."
            yield "worse-lifts-suspension", path, message
    ranks = [max((URGENCY_RANK[flag.urgency] for flag in each.grading.flags), default=0) for each in (better, worse)]
    if ranks[1] < ranks[0]:
        message = f"A runner who differs only in being worse off ({title}) is sent to somebody less urgently."
        yield "worse-calms-referral", _lost_flag(draft, better, worse), message
    if all(joint.status == "scored" for each in (better, worse) for joint in each.grading.joints.values()):
        yield from _lost_advice(draft, direction, better, worse)


def _hold(found: Graded, joint: JointId) -> int:
    """How firmly flags hold a joint back from being scored."""
    flags = (flag for flag in found.grading.flags if flag.joint in (joint, "whole_body"))
    return max((HOLD_RANK[flag.effect] for flag in flags), default=0)


def _lost_flag(draft: Draft, better: Graded, worse: Graded) -> str:
    """Where the firmest of the flags stands that the worse runner no longer raises."""
    kept = {flag.id for flag in worse.grading.flags}
    lost = [flag for flag in better.grading.flags if flag.id not in kept]
    firmest = max(lost, key=lambda flag: (HOLD_RANK[flag.effect], URGENCY_RANK[flag.urgency]))
    return f"/flags/{draft.document.flags.index(firmest)}/when"


def _lost_advice(draft: Draft, direction: Direction, better: Graded, worse: Graded) -> Iterator[tuple[str, str, str]]:
    title = FEATURES[direction.feature].title
    changed = {factor for given in worse.grading.advice for factor in given.advice.sets}
    habits = {
        factor.id
        for factor in draft.document.factors
        if direction.feature in {factor.feature_of(joint) for joint in factor.joints}
    }
    sent = {
        joint for given in worse.grading.advice if given.advice.category == "professional" for joint in given.joints
    }
    for given in better.grading.advice:
        message = ""
        if habits & set(given.advice.sets) - changed:
            message = f"A runner whose habit is worse ({title}) is no longer advised to change it."
        elif given.advice.category == "professional" and not set(given.joints) <= sent:
            message = f"A runner who differs only in being worse off ({title}) is no longer sent to a professional."
        if message:
            yield "worse-loses-advice", f"/advice/{draft.document.advice.index(given.advice)}", message


DIRECTION: Final = Check(
    "A runner who is worse off in one thing never has a lower score, a joint back in scoring, a calmer referral, or "
    "less of the advice that is meant for it.",
    {
        "worse-lowers-entry": "error",
        "worse-lowers-score": "error",
        "worse-lifts-suspension": "error",
        "worse-calms-referral": "error",
        "worse-loses-advice": "error",
    },
    find_lowering,
)
