"""What could come next: the next run, and the one question whose answer would help most."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from pydantic import BaseModel

from app.features import FEATURES, NOT_APPLICABLE, Facts
from app.features.facts import thousandths
from app.features.load import longest_before
from app.runners import JointId, ScoreRequest
from app.scoring.compiled import CompiledRuleSet
from app.scoring.rulers import Edge, Ruler
from app.scoring.standing import Standing, grounds_of
from app.scoring.totals import Totals, is_assessed, print_score

SINGLE_RUN_FEATURE = "session_spike_ratio"
PAIN_THAT_HOLDS_THE_NEXT_RUN = 4


class NextRun(NamedTuple):
    """The next run against the range that was not linked with more injuries.

    Attributes:
        longest_in_reference_m: whole metres, None where it cannot or must not be said.
        within_reference: whether the planned run stays in that range, compared exactly.
        scores_if_run: score of each scored joint on the day of the planned run, had it been run; None below the floor.
    """

    longest_in_reference_m: int | None
    planned_mm: int | None
    within_reference: bool | None
    scores_if_run: dict[JointId, int | None]


class Question(NamedTuple):
    """The unknown input whose answer could narrow the ranges most.

    Attributes:
        field: JSON Pointer into the request.
        narrows: whole points by which each joint's range could get narrower; joints that stay as they are are left out.
    """

    field: str
    narrows: dict[JointId, int]


def plan_next_run(rules: CompiledRuleSet, standing: Standing, *, scored: Mapping[JointId, Totals]) -> NextRun | None:
    """How long the next run can get inside the single-run factor's reference band, and the scores if the plan is run.

    Returns:
        None without sessions. The longest distance is None after a break, when the 30 days before the run are not all
        known, with pain from 4 up, and for a first-ever runner.
    """
    facts = standing.facts
    if not facts.has_log:
        return None
    planned = facts.training.planned_run
    on = facts.as_of if planned is None or planned.on is None else planned.on
    end = _questions_of(rules).single_run_end
    days_ahead = (on - facts.as_of).days
    log = facts.log
    planned_mm: int | None = None
    if planned is not None:
        planned_mm = thousandths(planned.distance_m)
        lasts = None if planned.duration_s is None else thousandths(planned.duration_s)
        log = facts.log.with_run_in(days_ahead, distance_mm=planned_mm, duration_ms=lasts)
    longest: int | None = None
    if end is not None and not _has_pain(facts) and standing.reading(SINGLE_RUN_FEATURE) is not NOT_APPLICABLE:
        before = longest_before(log)  # which leaves out the planned run, because it leaves out its day
        longest = _longest_below_mm(end, before) if before else None
    longest_m = None if longest is None else longest // 1000
    if planned_mm is None:
        return NextRun(longest_m, None, None, {})
    within = None if longest is None else planned_mm <= longest
    after = facts._replace(as_of=on, log=log)
    return NextRun(longest_m, planned_mm, within, _scores_if_run(rules, standing, after, scored))


def _has_pain(facts: Facts) -> bool:
    runner = facts.runner
    for joint in (runner.knee, runner.lower_back):
        if joint is not None and joint.pain_now is not None and joint.pain_now >= PAIN_THAT_HOLDS_THE_NEXT_RUN:
            return True
    return False


def _longest_below_mm(end: Edge, before_mm: int) -> int:
    """The longest run, mm, whose ratio to `before_mm` stays in the band that ends at this edge."""
    if end.exclusive:
        return before_mm * end.numerator // end.denominator
    return -(-before_mm * end.numerator // end.denominator) - 1


def _scores_if_run(
    rules: CompiledRuleSet, standing: Standing, after: Facts, scored: Mapping[JointId, Totals]
) -> dict[JointId, int | None]:
    """The scored joints' scores on the day of the planned run, had it been run; None where too little is known then."""
    readers = _questions_of(rules).readers
    changed: dict[tuple[JointId, int], int] = {}
    for ruler, mask in grounds_of(rules).bands_on(after).items():
        before = standing.masks[ruler]
        if mask != before:
            for joint, number, offsets in readers[ruler]:
                if joint in scored:
                    index = changed.get((joint, number), scored[joint].entries[number])
                    changed[joint, number] = index - offsets[before] + offsets[mask]
    scores: dict[JointId, int | None] = {}
    for joint, totals in scored.items():
        tables = rules.joints[joint]
        after_run = totals
        for (other, number), index in changed.items():
            if other == joint:
                entries = tables.groups[number].entries
                after_run = after_run.moved(entries[totals.entries[number]], entries[index])
        scores[joint] = print_score(after_run.raw) if is_assessed(rules, tables, after_run) else None
    return scores


def _pointers(model: type[BaseModel], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, field in model.model_fields.items():
        found.append(f"{prefix}/{name}")
        for part in getattr(field.annotation, "__args__", (field.annotation,)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found.extend(_pointers(part, f"{prefix}/{name}"))
    return found


REQUEST_ORDER: dict[str, int] = {pointer: place for place, pointer in enumerate(_pointers(ScoreRequest))}
"""Place of every field in the request, for ties."""


class _Reader(NamedTuple):
    """A ruler in a group's table: where a narrower band set changes a joint's range."""

    joint: JointId
    group: int
    offsets: dict[int, int]


class _Questions:
    """What a rule set could ask: the inputs of every ruler, and the tables that each ruler moves.

    Attributes:
        single_run_end: where the reference band of the single-run factor ends, which bounds the next run; None where no
            factor reads it, or nothing ends that band.
    """

    def __init__(self, rules: CompiledRuleSet) -> None:
        self.inputs = [FEATURES[ruler.feature].inputs for ruler in rules.rulers]
        self.readers: list[list[_Reader]] = [[] for _ in rules.rulers]
        single_run = next((ruler for ruler in rules.rulers if ruler.feature == SINGLE_RUN_FEATURE), None)
        self.single_run_end = None if single_run is None else _end_of_reference(single_run)
        for joint, tables in rules.joints.items():
            for number, group in enumerate(tables.groups):
                for ruler, offsets in group.steps:
                    self.readers[ruler].append(_Reader(joint, number, offsets))


def _end_of_reference(ruler: Ruler) -> Edge | None:
    return next((edge for edge in reversed(ruler.edges) if edge.band > ruler.reference), None)


def _questions_of(rules: CompiledRuleSet) -> _Questions:
    kept = rules.carried.get("questions")
    if kept is None:
        kept = rules.carried["questions"] = _Questions(rules)
    return cast(_Questions, kept)


def unknown_rulers(rules: CompiledRuleSet, masks: Sequence[int], joints: Collection[JointId]) -> list[int]:
    """The rulers that more than one band is possible on, and that move one of these joints."""
    readers = _questions_of(rules).readers
    return [
        ruler
        for ruler, mask in enumerate(masks)
        if mask & (mask - 1) and any(reader.joint in joints for reader in readers[ruler])
    ]


def ask_next(
    rules: CompiledRuleSet,
    masks: Sequence[int],
    *,
    unknown: Sequence[int],
    absent: Iterable[str | None],
    totals: Mapping[JointId, Totals],
) -> Question | None:
    """The first absent input of an unknown feature that would narrow the ranges most if its factors stood in reference.

    Args:
        unknown: the rulers that `unknown_rulers` finds.
        absent: the first absent input of each ruler's feature.
        totals: of the joints whose ranges count: all but the suspended.

    Returns:
        None when nothing is unknown that an input could tell.
    """
    questions = _questions_of(rules)
    best: tuple[int, int, Question] | None = None
    for pointer in dict.fromkeys(absent):
        if pointer is None:
            continue
        rulers = [ruler for ruler in unknown if pointer in questions.inputs[ruler]]
        drops = _drops(rules, questions, masks, totals, rulers)
        rank = (-sum(drops.values()), REQUEST_ORDER[pointer])
        if best is None or rank < best[:2]:
            narrows = {joint: (drops[joint] + 50) // 100 for joint in totals if drops.get(joint)}
            best = (*rank, Question(pointer, narrows))
    return None if best is None else best[2]


def _drops(
    rules: CompiledRuleSet,
    questions: _Questions,
    masks: Sequence[int],
    totals: Mapping[JointId, Totals],
    rulers: Sequence[int],
) -> dict[JointId, int]:
    """By how many hundredths each joint's range gets narrower when these rulers stand in their reference bands."""
    settled: dict[tuple[JointId, int], int] = {}
    for ruler in rulers:
        reference = 1 << rules.rulers[ruler].reference
        for joint, number, offsets in questions.readers[ruler]:
            if joint in totals:
                index = settled.get((joint, number), totals[joint].entries[number])
                settled[joint, number] = index - offsets[masks[ruler]] + offsets[reference]
    drops: dict[JointId, int] = {}
    for (joint, number), index in settled.items():
        entries = rules.joints[joint].groups[number].entries
        before, after = entries[totals[joint].entries[number]], entries[index]
        drops[joint] = drops.get(joint, 0) + (before.high - before.low) - (after.high - after.low)
    return drops
