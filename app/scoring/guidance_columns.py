"""What comes next for many runners: ranked advice, the one question, and how long the next run can get.

The twin of `advice.py` and `next_steps.py`.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from app.features import FEATURES
from app.features.columns import NOT_APPLICABLE
from app.features.load_columns import longest_before
from app.runners import JOINTS, JointId
from app.runners.told_columns import FieldColumn, Mask, ToldColumns, Whole
from app.scoring.compiled import CompiledRuleSet
from app.scoring.grading_columns import GradedColumns, column_rules_of
from app.scoring.next_steps import PAIN_THAT_HOLDS_THE_NEXT_RUN, REQUEST_ORDER, SINGLE_RUN_FEATURE
from app.scoring.standing_columns import ColumnStanding


class Move(NamedTuple):
    """What standing elsewhere on one ruler adds to the index of a group's entry, by the set that one stands in now."""

    joint: JointId
    group: int
    ruler: int
    added: Whole


class Listing(NamedTuple):
    """Things listed for many runners, one after the other: whose each is, in rising order, and which."""

    row: Whole
    code: Whole


def listing(entries: Iterable[Mask]) -> Listing:
    """Who has which entry, in the order of the entries."""
    return Listing(*np.stack(list(entries), axis=1).nonzero())


class Guidance:
    """What a rule set can advise and ask, with what that changes in its tables."""

    def __init__(self, rules: CompiledRuleSet) -> None:
        prepared = column_rules_of(rules)
        self.sets_to: list[list[Move]] = []
        for advice in rules.document.advice:
            moves: list[Move] = []
            for joint, number, ruler, offsets, factor in _members(rules):
                if factor in advice.sets:
                    on = prepared.rulers[ruler]
                    to = offsets[on.sets.index(on.ruler.mask_of_labels([advice.sets[factor]]))]
                    moves.append(Move(joint, number, ruler, to - offsets))
            self.sets_to.append(moves)
        # Only a ruler on which more than one band is possible is settled by an answer.
        self.settles: list[list[Move]] = [[] for _ in prepared.rulers]
        for joint, number, ruler, offsets, _ in _members(rules):
            on = prepared.rulers[ruler]
            self.settles[ruler].append(
                Move(joint, number, ruler, np.where(on.unknown, offsets[on.reference_set] - offsets, 0))
            )
        inputs = [FEATURES[on.ruler.feature].inputs for on in prepared.rulers]
        readers = {
            pointer: [ruler for ruler, read in enumerate(inputs) if pointer in read and self.settles[ruler]]
            for pointer in REQUEST_ORDER
        }
        self.questions = [(pointer, rulers) for pointer, rulers in readers.items() if rulers]


def _members(rules: CompiledRuleSet) -> Iterable[tuple[JointId, int, int, Whole, str]]:
    groups = column_rules_of(rules).groups
    for joint in JOINTS:
        for number, group in enumerate(rules.joints[joint].groups):
            for member, (ruler, offsets) in zip(group.members, groups[joint][number].steps, strict=True):
                yield joint, number, ruler, offsets, member.pair.factor.id


def guidance_of(rules: CompiledRuleSet) -> Guidance:
    """The guidance of a rule set, prepared once and kept with it."""
    kept = rules.carried.get("guidance_columns")
    if not isinstance(kept, Guidance):
        kept = rules.carried["guidance_columns"] = Guidance(rules)
    return kept


def _moved(graded: GradedColumns, moves: Iterable[Move], rows: Whole) -> dict[tuple[JointId, int], tuple[Whole, Whole]]:
    """Of every group that these moves change, the entries before and after them."""
    changed: dict[tuple[JointId, int], tuple[Whole, Whole]] = {}
    for joint, number, ruler, added in moves:
        key = (joint, number)
        if key not in changed:
            before = graded.joints[joint].totals.entries[number][rows]
            changed[key] = (before, before)
        before, after = changed[key]
        changed[key] = (before, after + added[graded.standing.sets(ruler)[rows]])
    return changed


def give_advice(rules: CompiledRuleSet, graded: GradedColumns, *, rows_wanted: Mask) -> Listing:
    """The advice that applies, by its place in the document; most points first, as `advice.give_advice` ranks it."""
    guidance, prepared = guidance_of(rules), column_rules_of(rules)
    groups = prepared.groups
    spoken_to = rows_wanted & ~graded.silent
    all_rows: list[Whole] = []
    all_ranks: list[Whole] = []
    all_places: list[Whole] = []
    for place, (advice, (when, not_when)) in enumerate(zip(rules.document.advice, prepared.advice, strict=True)):
        applies = graded.standing.holds(when) & spoken_to
        if not_when and applies.any():
            applies = applies & ~graded.standing.holds(not_when)
        applies = applies & ~np.logical_and.reduce([graded.joints[joint].suspended for joint in advice.joints])
        rows = applies.nonzero()[0]
        if not len(rows):
            continue
        removed = np.zeros(len(rows), np.int64)
        for (joint, number), (before, after) in _moved(graded, guidance.sets_to[place], rows).items():
            points = groups[joint][number].points
            removed += np.where(graded.joints[joint].scored[rows], points[before] - points[after], 0)
        unscored = ~np.logical_or.reduce([graded.joints[joint].scored[rows] for joint in advice.joints])
        all_rows.append(rows)
        all_ranks.append(_rank(unscored, removed))
        all_places.append(np.full(len(rows), place))
    if not all_rows:
        return Listing(np.empty(0, np.int64), np.empty(0, np.int64))
    row, rank, code = np.concatenate(all_rows), np.concatenate(all_ranks), np.concatenate(all_places)
    # One sort of one number: the row, then the rank, then the place in the document.
    rank -= rank.min()
    width, count = int(rank.max()) + 1, len(rules.document.advice)
    assert len(rows_wanted) * width * count < 2**63  # a block of rows is small, and so are points
    order = np.sort((row * width + rank) * count + code)
    return Listing(order // (width * count), order % count)


_UNSCORED = 2**34
"""More than any number of points in hundredths that an advice could take away or add."""


def _rank(unscored: Mask, removed: Whole) -> Whole:
    return np.where(unscored, _UNSCORED, 0) - removed


def ask_next(rules: CompiledRuleSet, graded: GradedColumns, told: ToldColumns) -> tuple[Whole, tuple[str, ...]]:
    """The next question of every runner, as `next_steps.ask_next` picks it.

    Returns:
        The place of its pointer among the pointers beside it; -1 where there is nothing to ask.
    """
    guidance, prepared = guidance_of(rules), column_rules_of(rules)
    count = told.row_count
    asked, most = np.full(count, -1), np.full(count, -1)
    open_ = {joint: ~graded.joints[joint].suspended for joint in JOINTS}
    missing = _MissingInputs(told, graded.standing)
    for place, (pointer, rulers) in enumerate(guidance.questions):
        candidates = graded.standing.nowhere
        for ruler in rulers:
            on = prepared.rulers[ruler]
            moves_an_open_joint = np.logical_or.reduce([open_[move.joint] for move in guidance.settles[ruler]])
            is_unknown = on.unknown[graded.standing.sets(ruler)] & moves_an_open_joint
            if is_unknown.any():
                candidates = candidates | (is_unknown & missing.is_first(pointer, on.ruler.feature))
        rows = candidates.nonzero()[0]
        if not len(rows):
            continue
        drop = np.zeros(len(rows), np.int64)
        moves = [move for ruler in rulers for move in guidance.settles[ruler]]
        for (joint, number), (before, after) in _moved(graded, moves, rows).items():
            group = prepared.groups[joint][number]
            spans = group.high - group.low
            drop += np.where(open_[joint][rows], spans[before] - spans[after], 0)
        better = drop > most[rows]  # of equals the first in the order of the request
        most[rows[better]] = drop[better]
        asked[rows[better]] = place
    return asked, tuple(pointer for pointer, _ in guidance.questions)


class _MissingInputs:
    """Which input of a feature is the first that a runner did not tell."""

    def __init__(self, told: ToldColumns, standing: ColumnStanding) -> None:
        self._told = told
        self._has_log = standing.facts.has_log
        self._absent: dict[str, Mask] = {}

    def is_first(self, pointer: str, feature: str) -> Mask:
        """Whether this input is absent, and every one before it is there."""
        inputs = FEATURES[feature].inputs
        first = self._is_absent(pointer)
        for earlier in inputs[: inputs.index(pointer)]:
            first = first & ~self._is_absent(earlier)
        return first

    def _is_absent(self, pointer: str) -> Mask:
        if pointer not in self._absent:
            self._absent[pointer] = ~self._is_there(pointer)
        return self._absent[pointer]

    def _is_there(self, pointer: str) -> Mask:
        if pointer == "/training/sessions":
            return self._has_log
        if pointer == "/training/observed_from":
            return self._told.observed_from.told
        if pointer == "/training/weekly_distance_m":
            return self._told.weeks_told
        return self._told.fields[pointer.removeprefix("/runner/").replace("/", ".")].told


def longest_in_reference_m(rules: CompiledRuleSet, graded: GradedColumns, told: ToldColumns) -> FieldColumn:
    """How long the next run can get inside the single-run factor's reference band, whole metres; as `plan_next_run`."""
    facts = graded.standing.facts
    ruler = next((ruler for ruler in rules.rulers if ruler.feature == SINGLE_RUN_FEATURE), None)
    edges = [edge for edge in reversed(ruler.edges) if edge.band > ruler.reference] if ruler else []
    if not edges:
        return FieldColumn(np.zeros(told.row_count, np.int64), graded.standing.nowhere)
    end = edges[0]
    days_ahead = np.where(told.planned.told & told.planned_on.told, told.planned_on.numbers - told.as_of, 0)
    before = longest_before(facts, days_ahead=days_ahead)
    in_pain = graded.standing.nowhere
    for joint in JOINTS:
        in_pain = in_pain | (told.fields[f"{joint}.pain_now"].numbers >= PAIN_THAT_HOLDS_THE_NEXT_RUN)
    suspended = np.logical_or.reduce([graded.joints[joint].suspended for joint in JOINTS])
    applies = graded.standing.reading(SINGLE_RUN_FEATURE).kind != NOT_APPLICABLE
    said = facts.has_log & applies & ~graded.silent & ~suspended & ~in_pain & before.told & (before.numbers > 0)
    longest = np.where(said, before.numbers, 0)
    if int(longest.max(initial=0)) * end.numerator >= 2**63:
        longest = longest.astype(object)  # an edge of many digits: Python's integers have no end
    if end.exclusive:
        mm = longest * end.numerator // end.denominator
    else:
        mm = -(-longest * end.numerator // end.denominator) - 1
    return FieldColumn((mm // 1000).astype(np.int64), said)
