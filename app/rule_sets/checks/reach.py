"""Who reaches what: for every part of a rule set a runner whose answer holds it, verified by the engine.

A part that no such runner is found for is dead: it stands in the document and nobody will ever meet it. The search
is wide rather than clever (every side of every cut, every way to meet every condition), and bounded.
"""

import random
from collections.abc import Callable, Iterator, Sequence, Set
from functools import cache, cached_property, reduce
from itertools import chain, islice
from operator import or_
from typing import Final, Literal, NamedTuple

from app.features import Reading
from app.rule_sets.profile_answers import Told
from app.rule_sets.witnesses import Bench, Graded, Wish, join, read_told, tell_symptom
from app.runners import JOINTS, JointId
from app.scoring.advice import fill_in_numbers
from app.scoring.compiled import GroupTable
from app.scoring.engine import Grading
from app.scoring.rule_set import Advice, Benefit, Condition, Flag
from app.scoring.totals import print_score

RUNNERS_A_CONDITION: Final = 120
MIXES: Final = 6_000
TRIES_A_LEVEL: Final = 40
SEED: Final = 20261


class Standpoint(NamedTuple):
    """One way to stand in a group, and what it is worth there, in hundredths of a point."""

    points: int
    told: Told


class Reach:
    """The runners who meet the parts of one rule set."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.document = bench.rules.document
        # Bound to this rule set, and gone with it.
        self.advice: Callable[[int], Told | None] = cache(self._advice)
        self.flag: Callable[[int], Told | None] = cache(self._flag)
        self.benefit: Callable[[int], Told | None] = cache(self._benefit)
        self.standpoints: Callable[[JointId], list[list[Standpoint]]] = cache(self._standpoints)

    def told_for(self, path: str) -> Told | None:
        """Answers of a runner whose answer from the service holds the part at a path; None where nobody is known."""
        catalogue, *rest = path.split("/")[1:] or [""]
        number = int(rest[0]) if rest and rest[0].isdecimal() else None
        if catalogue == "levels" and len(rest) > 1 and rest[0] == "cuts":
            return self.headlines.get(self.document.levels.cuts[int(rest[1])].id)
        if catalogue == "sources" and rest:
            return self._citing(rest[0])
        if number is None:
            return {} if catalogue in ("texts", "levels", "rates") else None
        find = {
            "factors": self._out_of_reference,
            "advice": self.advice,
            "flags": self.flag,
            "benefits": self.benefit,
        }.get(catalogue)
        return None if find is None else find(number)

    def band(self, factor: int, joint: JointId, band: int) -> Told | None:
        """Answers that put a runner in one band of a factor, as it is read for a joint."""
        return self.bench.in_band(self.ruler_of(factor, joint), 1 << band)

    def ruler_of(self, factor: int, joint: JointId) -> int:
        """The ruler of a factor for a joint that it acts on."""
        id_ = self.document.factors[factor].id
        return next(pair.ruler for pair in self.bench.rules.joints[joint].pairs if pair.factor.id == id_)

    # --- advice, flags, benefits -------------------------------------------------------------------------------------

    def nearly(self, conditions: Sequence[Condition]) -> Told:
        """Answers of somebody who meets one of these conditions, or comes as near as the parts of one allow."""
        for condition in conditions:
            for told in self._meeting(condition):
                return told
        for condition in conditions:
            for part in condition.all_ or ():
                for told in self._meeting(part):
                    return told
        return self.bench.at_reference

    def _advice(self, number: int) -> Told | None:
        advice: Advice = self.document.advice[number]
        return self._first(
            (told for condition in advice.when for told in self._meeting(condition)),
            lambda found: any(given.advice is advice for given in found.grading.advice),
        )

    def _flag(self, number: int) -> Told | None:
        flag: Flag = self.document.flags[number]
        derived = (told for condition in flag.when for told in self._meeting(condition))
        told = derived if flag.question is None else iter([tell_symptom(flag)])
        return self._first(told, lambda found: any(raised is flag for raised in found.grading.flags))

    def _benefit(self, number: int) -> Told | None:
        benefit: Benefit = self.document.benefits[number]
        numbers = [Wish(feature, _is_finite) for feature in benefit.numbers]
        met = (told for condition in benefit.when for told in self._meeting(condition, numbers))
        told = met if benefit.when else islice(self.bench.runners(numbers), RUNNERS_A_CONDITION)
        return self._first(
            told,
            lambda found: any(
                given.benefit is benefit for given in fill_in_numbers(found.grading.benefits, found.standing)
            ),
        )

    def _meeting(self, condition: Condition, also: Sequence[Wish] = ()) -> Iterator[Told]:
        return islice(self.bench.meeting(condition, also=also), RUNNERS_A_CONDITION)

    def _first(self, told: Iterator[Told], shows: Callable[[Graded], bool]) -> Told | None:
        """The first who shows it; the document's own examples come last, and help where the search is too narrow."""
        for each in chain(told, map(read_told, (example.request for example in self.document.examples))):
            found = self.bench.grade(each)
            if found is not None and shows(found):
                return each
        return None

    def _out_of_reference(self, factor: int) -> Told | None:
        """Somebody for whom a factor carries points, or at least reads something."""
        own = self.document.factors[factor]
        reached = [
            (bool(band.effects), told)
            for joint in own.joints
            for number, band in enumerate(own.bands_of(joint))
            if (told := self.band(factor, joint, number)) is not None
        ]
        return max(reached, key=lambda each: each[0])[1] if reached else None

    def alone(self, factor: int) -> Told | None:
        """Somebody for whom a factor carries points while all others of its group stand at reference."""
        id_ = self.document.factors[factor].id
        for joint in JOINTS:
            for group in self.bench.rules.joints[joint].groups:
                references = {ruler: 1 << self.bench.rules.rulers[ruler].reference for ruler, _ in group.steps}
                for member in group.members:
                    if member.pair.factor.id == id_:
                        for band, points in enumerate(member.pair.band_points):
                            told = self.bench.in_bands({**references, member.pair.ruler: 1 << band})
                            if points and told is not None:
                                return told
        return None

    # --- levels ------------------------------------------------------------------------------------------------------

    @property
    def levels(self) -> dict[str, Told]:
        """For each level that is reached, a runner one of whose joints has it."""
        return self._levels[0]

    def attains(self, level: str) -> bool:
        """Whether the sums of some group entries come to this level, even if no runner is known who stands there.

        Groups are taken as if they shared no feature, so that more seems possible than is: False is proof.
        """
        rules = self.bench.rules
        printed = [score for score, name in enumerate(rules.level_of) if name == level]
        if not printed:
            return False
        for tables in rules.joints.values():
            worth = [{entry.points for entry in group.entries} for group in tables.groups]
            lowest = tables.base + sum(map(min, worth))
            sums = 1  # bit n: the least sum and n hundredths more
            for points in worth:
                least = min(points)
                sums = reduce(or_, (sums << more - least for more in points))
            # A score is printed half up, and what lies beyond an end of the scale at that end.
            first = 0 if printed[0] == 0 else max(100 * printed[0] - 50 - lowest, 0)
            end = sums.bit_length() if printed[-1] == 100 else max(100 * printed[-1] + 50 - lowest, 0)
            if sums >> first & ((1 << max(end - first, 0)) - 1):
                return True
        return False

    @property
    def headlines(self) -> dict[str, Told]:
        """For each level that is reached, a runner whose summary has it, if there is one."""
        return self._levels[1]

    @cached_property
    def _levels(self) -> tuple[dict[str, Told], dict[str, Told]]:
        levels: dict[str, Told] = {}
        headlines: dict[str, Told] = {}
        for joint in JOINTS:
            for told, found in self._mixes(joint, headlines.keys()):
                best = found.summary_joint
                headline = None if best is None else found.joints[best].level
                for reached, level in ((levels, found.joints[joint].level), (levels, headline), (headlines, headline)):
                    if level is not None:
                        reached.setdefault(level, told)
        return levels, headlines

    def extreme(self, joint: JointId, *, end: Literal["lowest", "highest"]) -> Told:
        """The runner at one end of a joint's scores."""
        pick = min if end == "lowest" else max
        told: Told = {}
        for standpoints in self.standpoints(joint):
            joined = join(told, pick(standpoints, key=lambda each: each.points).told)
            told = told if joined is None else joined
        return told

    def farthest(self, *, end: Literal["lowest", "highest"]) -> Told:
        """The runner at one end of the scores of the joint that goes farthest there."""
        pick = min if end == "lowest" else max
        ends = {
            joint: self.bench.rules.joints[joint].base
            + sum(pick(each.points for each in standpoints) for standpoints in self.standpoints(joint))
            for joint in JOINTS
        }
        return self.extreme(pick(JOINTS, key=ends.__getitem__), end=end)

    def _standpoints(self, joint: JointId) -> list[list[Standpoint]]:
        """For each group: nothing known, then each member in each of its bands while the others stand at reference."""
        return [self._standpoints_in(group) for group in self.bench.rules.joints[joint].groups]

    def _standpoints_in(self, group: GroupTable) -> list[Standpoint]:
        rulers = self.bench.rules.rulers
        masks = [ruler.full for ruler in rulers]
        found = [Standpoint(group.entries[group.index(masks)].points, {})]
        members = list(dict.fromkeys(ruler for ruler, _ in group.steps))
        for moved in members:
            for band in range(len(rulers[moved].labels)):
                others = {other: 1 << rulers[other].reference for other in members if other != moved}
                here = {**others, moved: 1 << band}
                told = self.bench.in_bands(here) or self.bench.in_band(moved, 1 << band)
                if told is not None:
                    facts = self.bench.facts(told)
                    stands = None if facts is None else self.bench.masks(facts)
                    if stands is not None:
                        found.append(Standpoint(group.entries[group.index(stands)].points, told))
        return found

    def _mixes(self, joint: JointId, known: Set[str]) -> Iterator[tuple[Told, Grading]]:
        """Mixes of standpoints whose sum falls into a level that is not known yet, as the engine grades them."""
        rules = self.bench.rules
        groups = [standpoints[1:] or standpoints for standpoints in self.standpoints(joint)]
        plain = [min(standpoints, key=lambda each: abs(each.points)) for standpoints in groups]
        chance = random.Random(SEED)  # noqa: S311 - spread, not secrecy
        levels = {cut.id for cut in self.document.levels.cuts}
        tries: dict[str, int] = {}
        for number in range(MIXES):
            if levels <= known:
                return
            if number < 2:
                mix = [(min, max)[number](standpoints, key=_worth) for standpoints in groups]
            else:
                lean = number % 10 / 10
                mix = [
                    one if chance.random() < lean else chance.choice(standpoints)
                    for one, standpoints in zip(plain, groups, strict=True)
                ]
            level = rules.level_of[print_score(rules.joints[joint].base + sum(each.points for each in mix))]
            if level in known or tries.get(level, 0) >= TRIES_A_LEVEL:
                continue
            told: Told | None = {}
            for each in mix:
                told = None if told is None else join(told, each.told)
            graded = None if told is None else self.bench.grade(told)
            if told is not None and graded is not None:
                tries[level] = tries.get(level, 0) + 1
                yield told, graded.grading

    def _citing(self, source: str) -> Told | None:
        """Somebody in whose answer a source stands."""
        document = self.document
        for number, advice in enumerate(document.advice):
            if source in advice.sources and (told := self.advice(number)) is not None:
                return told
        for number, benefit in enumerate(document.benefits):
            if source in benefit.sources and (told := self.benefit(number)) is not None:
                return told
        for number, flag in enumerate(document.flags):
            if source in flag.sources and (told := self.flag(number)) is not None:
                return told
        for number, factor in enumerate(document.factors):
            if source in factor.evidence.sources:
                return self._out_of_reference(number)
        return None


def _worth(standpoint: Standpoint) -> int:
    return standpoint.points


def _is_finite(reading: Reading) -> bool:
    return isinstance(reading, tuple) and reading[1] != 0
