"""Two rule sets side by side: what they say otherwise, and who of many runners would get another level.

Both score every runner by the ordinary engine. Of the runners only counts are kept, and the five whose score moves
most; of a posted cohort not even those are shown, only their rows.

**By which factor.** A score before clipping is 50 and, for each factor, what it makes of this runner against what it
makes of somebody of whom nothing is known: hundredths of a point that add up exactly. The difference of two scores is
therefore the sum of one difference a factor, and a move is put down to the factor whose difference is largest in the
direction of the move (ties: document order of the later rules). Where the new score would have had the same level by
the old cut points, the move is put down to the levels.
"""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, NamedTuple, cast

from pydantic_core import from_json, to_json

from app.errors import Fault, InvalidInputError
from app.population import AS_OF, EDGE_SIZE, POPULATION_ID, REFERENCE_SIZE, reference_population
from app.rule_sets.changes import Json, describe_changes
from app.rule_sets.job_rules import Rules
from app.runners import JOINTS, JointId, read_request
from app.scoring.compiled import CompiledRuleSet, JointTables
from app.scoring.engine import Assessment, assess

MOVERS_MAX: Final = 5
LINE_MOST_BYTES: Final = 1_048_576
NO_SCORE: Final = ("not_assessed", "suspended")

Points = dict[str, int]


class Mover(NamedTuple):
    """A runner whose score moves; the larger sorts higher, and of equals the earlier row.

    Attributes:
        points: hundredths by which the clipped score moves, without sign.
        row: less than 0, so that of equals the first is kept.
    """

    points: int
    row: int
    joint: JointId
    assessed: tuple[Assessment, Assessment]
    request: bytes


# --- what comes in ---------------------------------------------------------------------------------------------------


def compare_with_population(before: Rules, after: Rules) -> Json:
    """The whole comparison over the reference population: a job for a process of its own.

    Raises:
        InvalidRuleSetError: this release cannot load one of them.
    """
    return compare_rule_sets(
        before.compiled(), after.compiled(), population_lines(), people_are="reference", today=AS_OF
    )


def population_lines() -> Iterator[bytes]:
    """The reference population, a request a line."""
    return (json.dumps(request).encode() for request in reference_population())


def compare_with_cohort(chunks: Iterable[bytes], before: Rules, after: Rules, today: str) -> Json:
    """The whole comparison over a cohort of JSON lines that come in pieces: a job for a process of its own.

    Args:
        today: the day in UTC, as ISO 8601.

    Raises:
        InvalidRuleSetError: this release cannot load one of them.
    """
    day = date.fromisoformat(today)
    return compare_rule_sets(before.compiled(), after.compiled(), cut_lines(chunks), people_are="cohort", today=day)


def cut_lines(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    """The lines of a body that comes in pieces; of one over 1 MiB nothing is held, and it comes out as None.

    >>> list(cut_lines([b"one\\ntw", b"o\\n", b"three"]))
    [b'one', b'two', b'three']
    """
    begun = bytearray()
    is_too_long = False
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        for ended, part in enumerate([first, *others]):
            if ended:
                yield None if is_too_long else bytes(begun)
                begun.clear()
                is_too_long = False
            is_too_long = is_too_long or len(begun) + len(part) > LINE_MOST_BYTES
            if is_too_long:
                begun.clear()
            else:
                begun += part
    if begun or is_too_long:
        yield None if is_too_long else bytes(begun)


# --- the comparison --------------------------------------------------------------------------------------------------


def compare_rule_sets(
    before: CompiledRuleSet,
    after: CompiledRuleSet,
    people: Iterable[bytes | None],
    *,
    people_are: str,
    today: date,
) -> Json:
    """What the second rule set says otherwise than the first, and who of these people would get another level.

    Args:
        people: requests as JSON, one a line, bare or as the `request` of a batch row; None for a line too long to read.
        people_are: `reference` for the reference population, else `cohort`, of whom nothing but rows is told.
        today: the day in UTC, for those who say no `as_of`.
    """
    watch = _Watch(before, after)
    for row, line in enumerate(people, start=1):
        watch.look_at(line, row=row, today=today)
    return {
        "before": {"version": before.version, "digest": before.digest},
        "after": {"version": after.version, "digest": after.digest},
        "changes": describe_changes(before, after),
        "people": {
            "of": people_are,
            "population": _population() if people_are == "reference" else None,
            **watch.describe(shows_runners=people_are == "reference"),
        },
    }


def _population() -> Json:
    return {"id": POPULATION_ID, "reference_count": REFERENCE_SIZE, "edge_count": EDGE_SIZE}


class _Watch:
    """Counts what becomes of runners under two rule sets, and keeps the few who move most."""

    def __init__(self, before: CompiledRuleSet, after: CompiledRuleSet) -> None:
        self._rules = (before, after)
        self._states = [[*(cut.id for cut in rules.document.levels.cuts), *NO_SCORE] for rules in self._rules]
        self._moves: dict[JointId, Counter[tuple[str, str]]] = {joint: Counter() for joint in JOINTS}
        self._causes: dict[JointId, dict[tuple[str, str | None], Counter[str]]] = {joint: {} for joint in JOINTS}
        self._points: Counter[JointId] = Counter()
        self._scored: Counter[JointId] = Counter()
        self._changed: Counter[JointId] = Counter()
        self._faults: Counter[str] = Counter()
        self._rows = self._refused = 0
        self._movers: list[Mover] = []

    def look_at(self, line: bytes | None, *, row: int, today: date) -> None:
        """Scores one runner twice."""
        if line is not None and not line.strip():
            return
        self._rows += 1
        try:
            body = _request_in(line)
            read = read_request(body, today=today)
            one, other = (
                assess(rules, read.request, as_of=read.as_of, findings=read.findings) for rules in self._rules
            )
        except InvalidInputError as refused:
            self._refused += 1
            self._faults.update({fault.code for fault in refused.faults})
            return
        for joint in JOINTS:
            self._note(joint, one, other, row=row, body=body)

    def _note(self, joint: JointId, one: Assessment, other: Assessment, *, row: int, body: bytes) -> None:
        was, is_ = one.grading.joints[joint], other.grading.joints[joint]
        states = (was.level or was.status, is_.level or is_.status)
        self._moves[joint][states] += 1
        if was.score is not None and is_.score is not None:
            points = _clip(is_.totals.raw) - _clip(was.totals.raw)
            self._scored[joint] += 1
            self._points[joint] += points
            self._changed[joint] += was.score != is_.score
            if points:
                self._keep(Mover(abs(points), -row, joint, (one, other), body))
        if states[0] != states[1]:
            direction = self._direction(*states)
            cause = self._cause(joint, one, other, direction=direction)
            self._causes[joint].setdefault(cause, Counter())[direction] += 1

    def _keep(self, mover: Mover) -> None:
        """Keeps a mover if it is among the largest; a runner is listed once, by the joint that moves more."""
        same = next((place for place, kept in enumerate(self._movers) if kept.row == mover.row), None)
        if same is not None:
            if mover.points > self._movers[same].points:
                self._movers[same] = mover
                heapq.heapify(self._movers)
        elif len(self._movers) < MOVERS_MAX:
            heapq.heappush(self._movers, mover)
        elif mover[:2] > self._movers[0][:2]:
            heapq.heapreplace(self._movers, mover)

    def _direction(self, was: str, is_: str) -> str:
        """up, down, or status where one of them is no level."""
        if was in NO_SCORE or is_ in NO_SCORE:
            return "status"
        for states in reversed(self._states):
            if was in states and is_ in states:
                return "up" if states.index(is_) > states.index(was) else "down"
        # Levels that no document has both: where on the scale they begin.
        begins = [
            next(cut.from_ for cut in rules.document.levels.cuts if cut.id == level)
            for rules, level in zip(self._rules, (was, is_), strict=True)
        ]
        return "up" if begins[1] > begins[0] else "down" if begins[1] < begins[0] else "renamed"

    def _cause(self, joint: JointId, one: Assessment, other: Assessment, *, direction: str) -> tuple[str, str | None]:
        """What a change of level or status is put down to: a kind and, for factors and flags, an id."""
        if direction == "status":
            raised = [
                {flag.id: flag.effect for flag in told.grading.flags if flag.joint in (joint, "whole_body")}
                for told in (one, other)
            ]
            decisive = [id for id in raised[0] | raised[1] if raised[0].get(id) != raised[1].get(id)]
            return ("flag", decisive[0]) if decisive else ("known_share", None)
        was, is_ = one.grading.joints[joint], other.grading.joints[joint]
        assert is_.score is not None  # it has a level
        if self._rules[0].level_of[is_.score] == was.level:
            return ("levels", None)
        differences = explain_difference(joint, one, other)
        sign = 1 if is_.totals.raw > was.totals.raw else -1
        return ("factor", max(differences, key=lambda factor: sign * differences[factor]))

    def describe(self, *, shows_runners: bool) -> Json:
        """What was counted."""
        return {
            "rows": self._rows,
            "compared": self._rows - self._refused,
            "refused": self._refused,
            "faults": dict(sorted(self._faults.items())),
            "joints": {joint: self._describe_joint(joint) for joint in JOINTS},
            "largest_movers": [
                _describe_mover(mover, shows_runner=shows_runners)
                for mover in sorted(self._movers, key=lambda mover: mover[:2], reverse=True)
            ],
        }

    def _describe_joint(self, joint: JointId) -> Json:
        moves = self._moves[joint]
        compared = self._rows - self._refused
        by_direction: Counter[str] = Counter()
        for counts in self._causes[joint].values():
            by_direction.update(counts)
        scored = self._scored[joint]
        return {
            "moves": {was: {is_: moves[was, is_] for is_ in self._states[1]} for was in self._states[0]},
            **{f"{name}_count": by_direction[name] for name in _DIRECTIONS},
            **{f"{name}_share": _share(by_direction[name], compared) for name in ("up", "down")},
            "scored_count": scored,
            "score_changed_share": _share(self._changed[joint], scored),
            "mean_points": round(self._points[joint] / 100 / scored, 2) if scored else None,
            "moved_by": [
                {"kind": kind, "id": id, **{f"{name}_count": counts[name] for name in _DIRECTIONS}}
                for (kind, id), counts in sorted(
                    self._causes[joint].items(), key=lambda told: (-told[1].total(), told[0][0], told[0][1] or "")
                )
            ],
        }


def explain_difference(joint: JointId, one: Assessment, other: Assessment) -> Points:
    """By how much each factor moves a joint's score from one assessment to the other, hundredths before clipping.

    They add up to the difference exactly. Factors are in the order of the later rules, then those of the earlier alone.
    """
    was, is_ = _against_average(joint, one), _against_average(joint, other)
    return {factor: is_.get(factor, 0) - was.get(factor, 0) for factor in [*is_, *(id for id in was if id not in is_)]}


def _against_average(joint: JointId, assessment: Assessment) -> Points:
    """What each factor makes of a runner, less what it makes of somebody unknown; with 50 they are the score."""
    tables = assessment.rules.joints[joint]
    average = _of_nobody_known(assessment.rules, tables)
    points: Points = {}
    for group, index in zip(tables.groups, assessment.grading.joints[joint].totals.entries, strict=True):
        for member, share in zip(group.members, group.entries[index].shares, strict=True):
            factor = member.pair.factor.id
            points[factor] = share.points - average[factor]
    return points


def _of_nobody_known(rules: CompiledRuleSet, tables: JointTables) -> Points:
    name = f"of-nobody-known:{tables.joint}"
    kept = rules.carried.get(name)
    if kept is None:
        full = [ruler.full for ruler in rules.rulers]
        kept = rules.carried[name] = {
            member.pair.factor.id: share.points
            for group in tables.groups
            for member, share in zip(group.members, group.entries[group.index(full)].shares, strict=True)
        }
    return cast(Points, kept)


def _describe_mover(mover: Mover, *, shows_runner: bool) -> Json:
    one, other = mover.assessed
    was, is_ = one.grading.joints[mover.joint], other.grading.joints[mover.joint]
    reasons = sorted(explain_difference(mover.joint, one, other).items(), key=lambda told: -abs(told[1]))
    return {
        "row": -mover.row,
        "joint": mover.joint,
        "points": (_clip(is_.totals.raw) - _clip(was.totals.raw)) / 100,
        "score": {"before": was.score, "after": is_.score} if shows_runner else None,
        "level": {"before": was.level, "after": is_.level} if shows_runner else None,
        "because": [{"factor": factor, "points": points / 100} for factor, points in reasons if points],
        "request": from_json(mover.request) if shows_runner else None,
    }


_DIRECTIONS: Final = ("up", "down", "status", "renamed")


def _request_in(line: bytes | None) -> bytes:
    """The request of a line: the line itself, or the `request` of a batch row."""
    if line is None:
        raise InvalidInputError([Fault("", "too-long", "A line has 1 MiB at most.")])
    try:
        told = from_json(line)
    except ValueError:
        raise InvalidInputError([Fault("", "not-json", "This is not JSON in UTF-8.")]) from None
    if isinstance(told, dict) and "request" in told:
        return to_json(told["request"], inf_nan_mode="constants")
    return line


def _clip(hundredths: int) -> int:
    return min(max(hundredths, 0), 10_000)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
