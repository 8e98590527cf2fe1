"""Flags, advice and benefits: what the rule set has to say to this runner besides a score."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from app.errors import Fault, InvalidInputError
from app.runners import JOINTS, JointId, Runner
from app.scoring.compiled import CompiledRuleSet, Entry
from app.scoring.conditions import Need
from app.scoring.rule_set import Advice, Benefit, Flag, Urgency
from app.scoring.standing import Standing, grounds_of
from app.scoring.totals import Totals, print_score

URGENCY_RANK: dict[Urgency | None, int] = {None: 0, "routine": 1, "prompt": 2, "emergency": 3}


class Replacement(NamedTuple):
    """What one factor of `sets` changes in one joint.

    Attributes:
        group: index of the group among the joint's.
        ruler: the factor's ruler.
        entries: the group's.
        offsets: what each band of the factor adds to the index of the group's entry.
        to: the offset of the band of the runner with the other habit.
    """

    joint: JointId
    group: int
    entries: tuple[Entry, ...]
    ruler: int
    offsets: dict[int, int]
    to: int


class PreparedAdvice(NamedTuple):
    """An advice with its conditions as bits; `any_bits` and `not_bits` are all that `when` and `not_when` look at."""

    advice: Advice
    joints: tuple[JointId, ...]
    any_bits: int
    when: tuple[Need, ...]
    not_bits: int
    not_when: tuple[Need, ...]
    replacements: tuple[Replacement, ...]


class Catalogues:
    """The rule set's flags, advice and benefits with their conditions as bits."""

    def __init__(self, rules: CompiledRuleSet) -> None:
        document = rules.document
        conditions = grounds_of(rules).conditions
        self.asked = {flag.id: flag for flag in document.flags if flag.question is not None}
        self.derived = [(flag, conditions.needs(flag.when)) for flag in document.flags if flag.when]
        self.derived_bits = _any_bits(need for _, needs in self.derived for need in needs)
        self.order = {flag.id: place for place, flag in enumerate(document.flags)}
        self.benefits = [(GivenBenefit(benefit, {}), conditions.needs(benefit.when)) for benefit in document.benefits]
        self.advice = [
            PreparedAdvice(
                advice,
                tuple(advice.joints),
                _any_bits(conditions.needs(advice.when)),
                conditions.needs(advice.when),
                _any_bits(conditions.needs(advice.not_when)),
                conditions.needs(advice.not_when),
                _replacements(advice, rules),
            )
            for advice in document.advice
        ]


class GivenAdvice(NamedTuple):
    """An advice that applies.

    Attributes:
        joints: those it is for and that are not suspended.
        because: ids of the factors, flags and features that called for it.
        similar_scores: printed score of each scored joint of a runner like this one but for the habit; None when there
            is none to print.
    """

    advice: Advice
    joints: tuple[JointId, ...]
    because: tuple[str, ...]
    similar_scores: dict[JointId, int] | None


class GivenBenefit(NamedTuple):
    """A benefit that applies, with the numbers that its text names, rounded to whole units."""

    benefit: Benefit
    numbers: dict[str, int]


def catalogues_of(rules: CompiledRuleSet) -> Catalogues:
    """The catalogues of a rule set, prepared once and kept with it."""
    kept = rules.carried.get("catalogues")
    if kept is None:
        kept = rules.carried["catalogues"] = Catalogues(rules)
    return cast(Catalogues, kept)


def _any_bits(needs: Iterable[Need]) -> int:
    bits = 0
    for need in needs:
        bits |= need.bits
    return bits


def _hold(needs: Iterable[Need], bits: int) -> bool:
    """Whether any one of these needs is met."""
    return any([bits & need.bits == need.bits for need in needs])  # noqa: C419 - a list is faster for one or two needs


def _replacements(advice: Advice, rules: CompiledRuleSet) -> tuple[Replacement, ...]:
    found: list[Replacement] = []
    for joint in JOINTS:
        for number, group in enumerate(rules.joints[joint].groups):
            for pair, _, offsets in group.members:
                label = advice.sets.get(pair.factor.id)
                if label is not None:
                    to = offsets[rules.rulers[pair.ruler].mask_of_labels([label])]
                    found.append(Replacement(joint, number, group.entries, pair.ruler, offsets, to))
    return tuple(found)


def raise_flags(rules: CompiledRuleSet, standing: Standing) -> list[Flag]:
    """The flags that are up, most urgent first.

    Raises:
        InvalidInputError: a reported symptom is no flag of this rule set. It is never passed over in silence.
    """
    catalogues = catalogues_of(rules)
    flags = _reported(standing.facts.runner, catalogues)
    bits = standing.bits
    if bits & catalogues.derived_bits:
        flags += [flag for flag, needs in catalogues.derived if _hold(needs, bits)]
    if len(flags) < 2:
        return flags
    unique = {flag.id: flag for flag in flags}.values()
    return sorted(unique, key=lambda flag: (-URGENCY_RANK[flag.urgency], catalogues.order[flag.id]))


def _reported(runner: Runner, catalogues: Catalogues) -> list[Flag]:
    flags: list[Flag] = []
    faults: list[Fault] = []
    for owner, part in (("/runner/knee", runner.knee), ("/runner/lower_back", runner.lower_back), ("/runner", runner)):
        for place, symptom in enumerate((part.symptoms or ()) if part is not None else ()):
            flag = catalogues.asked.get(symptom)
            if flag is None:
                detail = "No red flag of this rule set has this id; see GET /v1/factors."
                faults.append(Fault(f"{owner}/symptoms/{place}", "unknown-symptom", detail))
            else:
                flags.append(flag)
    if faults:
        raise InvalidInputError(faults)
    return flags


def give_advice(
    rules: CompiledRuleSet,
    masks: Sequence[int],
    *,
    bits: int,
    suspended: Collection[JointId],
    totals: Mapping[JointId, Totals],
) -> list[GivenAdvice]:
    """The advice that applies, ranked by the points that it can take away.

    Args:
        masks: possible bands of every ruler.
        bits: the conditions that hold, flags included.
        suspended: joints that get no training advice.
        totals: of each scored joint.

    Returns:
        Most points first; ties in document order; where no joint is scored, last.
    """
    ranked: list[tuple[int, int, int, GivenAdvice]] = []
    for place, prepared in enumerate(catalogues_of(rules).advice):
        advice, joints, any_bits, when, not_bits, not_when, replacements = prepared
        if not bits & any_bits:
            continue
        because: tuple[str, ...] = ()
        for need in when:
            if bits & need.bits == need.bits:
                because += need.causes
        if not because or (bits & not_bits and _hold(not_when, bits)):
            continue
        if suspended:
            joints = tuple(joint for joint in joints if joint not in suspended)
            if not joints:
                continue
        removed, scores = _similar_runner(masks, replacements, totals)
        if len(because) > 1:
            because = tuple(dict.fromkeys(because))
        unscored = totals.keys().isdisjoint(joints)
        ranked.append((unscored, -removed, place, GivenAdvice(advice, joints, because, scores)))
    ranked.sort()
    return [entry[3] for entry in ranked]


def _similar_runner(
    masks: Sequence[int], replacements: Sequence[Replacement], totals: Mapping[JointId, Totals]
) -> tuple[int, dict[JointId, int] | None]:
    """A runner like this one but for the habit: hundredths less over the scored joints, and the scores."""
    gone: dict[JointId, int] = {}
    changed: dict[tuple[JointId, int], int] = {}
    for joint, number, entries, ruler, offsets, to in replacements:
        total = totals.get(joint)
        if total is not None:
            key = (joint, number)
            before = changed[key] if key in changed else total.entries[number]
            after = changed[key] = before - offsets[masks[ruler]] + to
            gone[joint] = gone.get(joint, 0) + entries[before].points - entries[after].points
    if not gone:
        return 0, None
    return sum(gone.values()), {joint: print_score(totals[joint].raw - lost) for joint, lost in gone.items()}


def benefits_for(rules: CompiledRuleSet, bits: int) -> list[GivenBenefit]:
    """The statements of the benefits catalogue that apply where these conditions hold, before numbers are filled in."""
    return [given for given, needs in catalogues_of(rules).benefits if not needs or _hold(needs, bits)]


def fill_in_numbers(benefits: Sequence[GivenBenefit], standing: Standing) -> list[GivenBenefit]:
    """These benefits with the runner's numbers; one whose numbers are not all known is left out."""
    filled: list[GivenBenefit] = []
    for given in benefits:
        features = given.benefit.numbers
        if not features:
            filled.append(given)
            continue
        numbers: dict[str, int] = {}
        for feature in features:
            reading = standing.reading(feature)
            if isinstance(reading, tuple) and reading[1]:
                numbers[feature] = (2 * reading[0] + reading[1]) // (2 * reading[1])
        if len(numbers) == len(features):
            filled.append(GivenBenefit(given.benefit, numbers))
    return filled
