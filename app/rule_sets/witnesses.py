"""Runners on purpose: the inverse of the features, and every runner is verified by reading them.

Whoever wants a runner in a certain band, under a certain condition, or with all of several things true at once asks
here. A `Bench` makes, for one rule set, answers on every side of every cut of every feature, reads each with the
feature itself, and combines them. What comes out is a request that anyone can post to `/v1/scores`.

Answers are kept flat while they are combined (a map from JSON Pointer to what stands there); `write_request` makes a
request of them. Nothing here is drawn by chance: the same rule set gives the same runners.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from itertools import product
from typing import Final, NamedTuple, cast

from pydantic import JsonValue

from app.errors import InvalidInputError
from app.features import FEATURES, Facts, Reading, derive_facts
from app.rule_sets.cuts import cuts_of, probe_numbers, write_number
from app.rule_sets.profile_answers import Told, answers_of, field_at
from app.rule_sets.training_logs import AS_OF, make_logs
from app.runners import JOINTS, Runner, read_request
from app.runners.requests import ReadRequest
from app.scoring.advice import raise_flags
from app.scoring.compiled import CompiledRuleSet
from app.scoring.conditions import Conditions
from app.scoring.engine import Assessment, Grading, assess, grade
from app.scoring.rule_set import Condition, Flag
from app.scoring.rulers import Ruler
from app.scoring.standing import Standing, grounds_of

TRAINING: Final = "/training"
YEARS: Final = "/runner/running_years"
# A runner past the first year and another: some features of the training speak of one of them only.
USUAL_YEARS: Final = (Fraction(3), Fraction(1, 2))
STEPS_MOST: Final = 4_000
"""How many combinations one search looks at before it gives up."""


class Wish(NamedTuple):
    """What a feature should read."""

    feature: str
    holds: Callable[[Reading], bool]


class Witness(NamedTuple):
    """Answers after which a feature reads this."""

    told: Told
    reading: Reading


class Graded(NamedTuple):
    """Where a runner stands, and what follows from it."""

    standing: Standing
    grading: Grading


@dataclass(frozen=True, slots=True)
class _TrainingWitness:
    """A log, with the years of running where they matter, and what every feature of the training reads then."""

    told: Told
    readings: dict[str, Reading]


TRAINING_FEATURES: Final = tuple(
    feature.id for feature in FEATURES.values() if any(pointer.startswith(TRAINING) for pointer in feature.inputs)
)


def write_request(told: Told) -> dict[str, JsonValue]:
    """A request of these answers, with its day.

    >>> write_request({"/runner/knee/pain_now": 3})
    {'as_of': '2026-11-23', 'runner': {'knee': {'pain_now': 3}}, 'training': {}}
    """
    request: dict[str, JsonValue] = {"as_of": str(AS_OF), "runner": {}, "training": {}}
    for pointer, given in told.items():
        *path, last = pointer.split("/")[1:]
        owner = request
        for name in path:
            owner = cast("dict[str, JsonValue]", owner.setdefault(name, {}))
        owner[last] = given
    return request


def read_told(request: Mapping[str, object]) -> Told:
    """The answers of a request: the inverse of `write_request`.

    >>> read_told({"as_of": "2026-11-23", "runner": {"knee": {"pain_now": 3}}, "training": {"sessions": []}})
    {'/as_of': '2026-11-23', '/runner/knee/pain_now': 3, '/training': {'sessions': []}}
    """
    told: Told = {}

    def read(part: object, pointer: str) -> None:
        if isinstance(part, dict) and pointer != TRAINING:
            for name, member in part.items():
                read(member, f"{pointer}/{name}")
        else:
            told[pointer] = cast("JsonValue", part)

    read(request, "")
    return told


def tell_symptom(flag: Flag) -> Told:
    """The answer that reports an asked flag where its joint's symptoms belong.

    >>> from app.rule_sets.documents import published_document
    >>> from app.scoring.rule_set import RuleSetDocument
    >>> tell_symptom(RuleSetDocument.model_validate(published_document("2026.1")).flags[0])
    {'/runner/lower_back/symptoms': ['lb_ces_bladder_bowel']}
    """
    part = "" if flag.joint == "whole_body" else f"/{flag.joint}"
    return {f"/runner{part}/symptoms": [flag.id]}


def join(one: Told, other: Told) -> Told | None:
    """Both answers together, or None where they contradict each other; reported symptoms add up."""
    joined = dict(one)
    for pointer, given in other.items():
        before = joined.get(pointer)
        if before is None or before == given:
            joined[pointer] = given
        elif isinstance(before, list) and isinstance(given, list):
            joined[pointer] = [*before, *(each for each in given if each not in before)]
        else:
            return None
    return joined


def without_inputs(told: Told, features: Iterable[str]) -> Told:
    """The answers without those that these features read."""
    dropped: set[str] = set()
    for feature in features:
        dropped.update(TRAINING if name.startswith(TRAINING) else name for name in FEATURES[feature].inputs)
    return {pointer: given for pointer, given in told.items() if pointer not in dropped}


class Bench:
    """Runners of one rule set, made to measure.

    Args:
        cuts: where answers should differ, feature by feature and rising, if not where the rule set cuts.
    """

    def __init__(self, rules: CompiledRuleSet, *, cuts: Mapping[str, Sequence[Fraction]] | None = None) -> None:
        self.rules = rules
        self.cuts = cuts_of(rules.document) if cuts is None else cuts
        self._witnesses: dict[str, list[Witness]] = {}
        self._logs: list[_TrainingWitness] = []
        self._bands: dict[tuple[int, int], Told | None] = {}

    # --- one feature -------------------------------------------------------------------------------------------------

    def witnesses(self, feature: str) -> list[Witness]:
        """Answers for one feature, on every side of every cut, with what it then reads; no answer at all comes last."""
        if feature not in self._witnesses:
            if feature in TRAINING_FEATURES:
                made = [Witness(log.told, log.readings[feature]) for log in self._training()]
            else:
                answers = answers_of(feature, self.cuts.get(feature, ()))
                read = ((told, self.facts(told)) for told in [*answers, {}])
                made = [Witness(told, FEATURES[feature].derive(facts)) for told, facts in read if facts is not None]
            self._witnesses[feature] = made
        return self._witnesses[feature]

    def in_band(self, ruler: int, mask: int) -> Told | None:
        """Answers that put a runner in exactly these bands of a ruler; None when no such runner is found."""
        key = (ruler, mask)
        if key not in self._bands:
            measure = self.rules.rulers[ruler]
            found = (one.told for one in self.witnesses(measure.feature) if measure.mask(one.reading) == mask)
            self._bands[key] = next(found, None)
        return self._bands[key]

    # --- several at once ---------------------------------------------------------------------------------------------

    def runners(self, wishes: Sequence[Wish], *, besides: Told | None = None) -> Iterator[Told]:
        """Answers of runners of whom all of these are true, the plainest first; at most `STEPS_MOST` are looked at.

        Args:
            wishes: what features should read; a feature may stand in several.
            besides: answers that every one of the runners gives too.
        """
        wanted: dict[str, list[Wish]] = {}
        for wish in wishes:
            wanted.setdefault(wish.feature, []).append(wish)
        options = [
            [one.told for one in self.witnesses(feature) if all(wish.holds(one.reading) for wish in each)]
            for feature, each in wanted.items()
            if feature not in TRAINING_FEATURES
        ]
        of_training = [wish for feature in TRAINING_FEATURES for wish in wanted.get(feature, ())]
        if of_training:
            fitting = (
                log for log in self._training() if all(wish.holds(log.readings[wish.feature]) for wish in of_training)
            )
            options.append([log.told for log in fitting])
        options.sort(key=len)
        steps = [STEPS_MOST]
        for told in _combine(options, besides or {}, steps):
            facts = self.facts(told)
            if facts is not None and all(wish.holds(FEATURES[wish.feature].derive(facts)) for wish in wishes):
                yield told

    def in_bands(self, masks: dict[int, int], *, besides: Told | None = None) -> Told | None:
        """Answers that put a runner in these bands of several rulers at once; None when no such runner is found."""
        wishes = [self.wish_for_band(ruler, mask) for ruler, mask in masks.items()]
        return next(self.runners(wishes, besides=besides), None)

    def wish_for_band(self, ruler: int, mask: int) -> Wish:
        """The wish to stand in exactly these bands of a ruler."""
        measure = self.rules.rulers[ruler]
        return Wish(measure.feature, partial(_stands_in, measure, mask))

    @cached_property
    def at_reference(self) -> Told:
        """Answers of a runner in every reference band, or where a factor does not apply, as far as they go together."""
        told: Told = {}
        for ruler in self.rules.rulers:
            wish = Wish(ruler.feature, partial(_stands_at_reference, ruler))
            facts = self.facts(told)
            if facts is not None and wish.holds(FEATURES[ruler.feature].derive(facts)):
                continue
            told = next(self.runners([wish], besides=told), told)
        return told

    # --- conditions --------------------------------------------------------------------------------------------------

    def meeting(self, condition: Condition, *, also: Sequence[Wish] = ()) -> Iterator[Told]:
        """Answers of runners who meet a condition, the plainest first; `also` holds more that must be true of them."""
        for wishes, told in self._ways(condition):
            yield from self.runners([*wishes, *also], besides=told)

    def _ways(self, condition: Condition) -> Iterator[tuple[list[Wish], Told]]:
        """Every way to meet a condition: what features should read, and which symptoms are told."""
        if condition.all_ is not None:
            for parts in product(*(list(self._ways(part)) for part in condition.all_)):
                told: Told | None = {}
                for _, answers in parts:
                    told = None if told is None else join(told, answers)
                if told is not None:
                    yield [wish for wishes, _ in parts for wish in wishes], told
        elif condition.flag is not None:
            for flag in self.rules.document.flags:
                if flag.id == condition.flag and flag.question is not None:
                    yield [], tell_symptom(flag)
                elif flag.id == condition.flag:
                    for each in flag.when:
                        yield from self._ways(each)
        else:
            yield from (([wish], {}) for wish in self._wishes_of(condition))

    def _wishes_of(self, condition: Condition) -> Iterator[Wish]:
        """What a feature should read so that a single condition holds: one wish for each ruler that can make it so."""
        conditions = grounds_of(self.rules).conditions
        (need,) = conditions.needs([condition])
        if condition.feature is not None:
            yield Wish(condition.feature, partial(_meets, conditions, condition.feature, need.bits))
            return
        for joint in JOINTS:
            for pair in self.rules.joints[joint].pairs:
                if pair.factor.id == condition.factor and condition.joint in (None, joint):
                    ruler = self.rules.rulers[pair.ruler]
                    yield Wish(ruler.feature, partial(_meets_by_band, conditions, pair.ruler, ruler, need.bits))

    # --- the engine --------------------------------------------------------------------------------------------------

    def facts(self, told: Told) -> Facts | None:
        """What features read of these answers; None where the service would refuse them."""
        read = self._read(told)
        return None if read is None else derive_facts(read.request, as_of=read.as_of)

    def masks(self, facts: Facts) -> list[int]:
        """The bands that a runner may stand in, ruler by ruler."""
        return grounds_of(self.rules).stand(facts).masks

    def stand(self, told: Told) -> Standing | None:
        """Where these answers put a runner; None where the service would refuse them."""
        facts = self.facts(told)
        return None if facts is None else grounds_of(self.rules).stand(facts)

    @cached_property
    def log_cells(self) -> list[tuple[tuple[int, ...], int] | None]:
        """All that the rules can tell of a runner of whom a log alone is known, for every witness of the training."""
        standings = (self.stand(log.told) for log in self._training())
        return [None if each is None else (tuple(each.masks), each.bits) for each in standings]

    def cell(self, feature: str, reading: Reading) -> tuple[tuple[int, ...], int]:
        """All that the rules can tell of a reading: its bands on every ruler, and the conditions that hold for it."""
        conditions = grounds_of(self.rules).conditions
        bits = conditions.bits_of_reading(feature, reading)
        masks: list[int] = []
        for number, ruler in enumerate(self.rules.rulers):
            if ruler.feature == feature:
                masks.append(ruler.mask(reading))
                bits |= conditions.bits_of_band(number, masks[-1])
        return tuple(masks), bits

    def grade(self, told: Told) -> Graded | None:
        """What hangs on bands and conditions alone, of these answers; None where the service would refuse them."""
        standing = self.stand(told)
        if standing is None:
            return None
        try:
            return Graded(standing, grade(self.rules, standing, raise_flags(self.rules, standing)))
        except InvalidInputError:
            return None

    def assess(self, told: Told) -> Assessment | None:
        """What the rule set says of a runner who gives these answers; None where the service would refuse them."""
        read = self._read(told)
        if read is None:
            return None
        try:
            return assess(self.rules, read.request, as_of=read.as_of, findings=read.findings)
        except InvalidInputError:
            return None

    @staticmethod
    def _read(told: Told) -> ReadRequest | None:
        try:
            return read_request(json.dumps(write_request(told)).encode(), today=AS_OF)
        except InvalidInputError:
            return None

    def _training(self) -> list[_TrainingWitness]:
        if not self._logs:
            for log in [*make_logs(self.cuts), None]:
                of_log: Told = {} if log is None else {TRAINING: log}
                facts = self.facts(of_log)
                if facts is None:
                    continue
                for year in self._years():
                    told = of_log if year is None else {**of_log, YEARS: write_number(year)}
                    runner = Runner(running_years=None if year is None else float(year))
                    own = facts._replace(runner=runner)  # who runs changes no log, so it is counted once
                    readings = {feature: FEATURES[feature].derive(own) for feature in TRAINING_FEATURES}
                    self._logs.append(_TrainingWitness(told, readings))
        return self._logs

    def _years(self) -> list[Fraction | None]:
        """Years of running to tell beside a log, on every side of every cut; none at all first."""
        field = field_at(YEARS)
        cuts = self.cuts.get("running_years", ())
        probed = probe_numbers(cuts, lowest=field.lowest, highest=field.highest, step=field.step)
        return list(dict.fromkeys([None, *USUAL_YEARS, *probed]))


def _combine(options: Sequence[Sequence[Told]], told: Told, steps: list[int]) -> Iterator[Told]:
    """Every way to take one of each that do not contradict each other; `steps` holds how many may still be tried."""
    if not options:
        yield told
        return
    for option in options[0]:
        steps[0] -= 1
        if steps[0] < 0:
            return
        joined = join(told, option)
        if joined is not None:
            yield from _combine(options[1:], joined, steps)


def _stands_in(ruler: Ruler, mask: int, reading: Reading) -> bool:
    return ruler.mask(reading) == mask


def _stands_at_reference(ruler: Ruler, reading: Reading) -> bool:
    return ruler.mask(reading) in (0, 1 << ruler.reference)


def _meets(conditions: Conditions, feature: str, bits: int, reading: Reading) -> bool:
    return bool(conditions.bits_of_reading(feature, reading) & bits)


def _meets_by_band(conditions: Conditions, number: int, ruler: Ruler, bits: int, reading: Reading) -> bool:
    return bool(conditions.bits_of_band(number, ruler.mask(reading)) & bits)
