"""Where a runner stands: the band sets of every ruler, and the conditions that hold.

Most answers of a profile recur (pain 0, warm-up "usually"), so what follows from one told answer is worked out once and
kept; the memory is bounded, and a reading is the same with or without it.
"""

from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter
from typing import NamedTuple, TypeAlias, TypeVar, cast

from app.features import FEATURES, Between, Facts, Feature, Reading
from app.features.reading import Derive
from app.runners import Runner
from app.scoring.compiled import CompiledRuleSet
from app.scoring.conditions import Conditions
from app.scoring.numerals import write_reading

KEPT_MAX = 4_096

Told: TypeAlias = Callable[[Runner], Hashable]
Kept = TypeVar("Kept")


class Place(NamedTuple):
    """What follows from one reading of one feature.

    Attributes:
        masks: one for each ruler of the feature, in the slot's order.
        written: the reading as contributions show it, UTF-8.
        bits: the conditions that hold because of it.
        absent: the first of the feature's inputs that was not given, JSON Pointer; None when all were.
    """

    reading: Reading
    masks: list[int]
    written: bytes
    bits: int
    absent: str | None


class Slot:
    """One feature that a rule set reads, with the rulers that measure it."""

    __slots__ = ("_conditions", "_measures", "feature", "rulers")

    def __init__(self, feature: Feature, rules: CompiledRuleSet, conditions: Conditions) -> None:
        self.feature = feature
        self.rulers = tuple(number for number, ruler in enumerate(rules.rulers) if ruler.feature == feature.id)
        self._conditions = conditions
        self._measures = [(number, rules.rulers[number]) for number in self.rulers]

    def place(self, reading: Reading, absent: str | None) -> Place:
        """Where this reading stands on the feature's rulers."""
        masks = [ruler.mask(reading) for _, ruler in self._measures]
        bits = self._conditions.bits_of_reading(self.feature.id, reading)
        for (number, _), mask in zip(self._measures, masks, strict=True):
            bits |= self._conditions.bits_of_band(number, mask)
        return Place(reading, masks, write_reading(reading).encode(), bits, absent)


class Bundle:
    """The features that read one part of the profile (the knee, the shoes, one field), placed together.

    Attributes:
        told: what they read, as one hashable answer.
        kept: their places by what was told, and the conditions that hold because of all of them.
    """

    __slots__ = ("kept", "slots", "told")

    def __init__(self, told: Told, slots: list[Slot]) -> None:
        self.told = told
        self.slots = slots
        self.kept: dict[Hashable, tuple[list[Place], int]] = {}

    def place(self, answer: Hashable, facts: Facts) -> tuple[list[Place], int]:
        """Where these facts stand, worked out anew and kept under the answer."""
        places = [slot.place(slot.feature.derive(facts), first_absent(slot.feature, facts)) for slot in self.slots]
        bits = 0
        for place in places:
            bits |= place.bits
        return keep(self.kept, answer, (places, bits))


class Standing(NamedTuple):
    """One runner on all rulers.

    Attributes:
        places: one for each slot of the grounds.
        masks: possible bands of every ruler, in the rule set's order.
        bits: the conditions that hold, flags apart.
    """

    facts: Facts
    grounds: "Grounds"
    places: list[Place]
    masks: list[int]
    bits: int

    def reading(self, feature: str) -> Reading:
        """The reading of a feature, whether or not the rule set reads it."""
        number = self.grounds.slot_of.get(feature)
        return FEATURES[feature].derive(self.facts) if number is None else self.places[number].reading

    def written(self) -> list[bytes]:
        """The reading behind every ruler, as contributions show it."""
        places = self.places
        return [places[number].written for number, _ in self.grounds.ruler_places]


class Grounds:
    """All slots of a rule set: where every runner is made to stand.

    Attributes:
        slot_of: the slot of each feature.
        ruler_places: of each ruler, its slot and its place among that slot's rulers.
    """

    def __init__(self, rules: CompiledRuleSet) -> None:
        self.conditions = Conditions(rules.document, rules.rulers, rules.joints.values())
        numbers = (feature for benefit in rules.document.benefits for feature in benefit.numbers)
        features = dict.fromkeys([*(ruler.feature for ruler in rules.rulers), *self.conditions.features, *numbers])
        parts: dict[tuple[str, ...], list[Slot]] = {}
        of_training: list[Slot] = []
        for name in features:
            slot = Slot(FEATURES[name], rules, self.conditions)
            owners = parts_read_by(slot.feature)
            if owners is None:
                of_training.append(slot)
            else:
                parts.setdefault(owners, []).append(slot)
        self._bundles = [Bundle(told_by([slot.feature for slot in part]), part) for part in parts.values()]
        self._of_training: list[tuple[Derive, dict[Hashable, Place], Slot]] = [
            (slot.feature.derive, {}, slot) for slot in of_training
        ]
        slots = [*(slot for part in parts.values() for slot in part), *of_training]
        self.slot_of = {slot.feature.id: number for number, slot in enumerate(slots)}
        self.ruler_places = [
            (self.slot_of[ruler.feature], slots[self.slot_of[ruler.feature]].rulers.index(number))
            for number, ruler in enumerate(rules.rulers)
        ]
        carrying = {ruler for tables in rules.joints.values() for group in tables.groups for ruler, _ in group.steps}
        self._scoring_training = [
            (slot.feature.derive, [(number, rules.rulers[number]) for number in slot.rulers if number in carrying])
            for slot in of_training
            if carrying.intersection(slot.rulers)
        ]

    def stand(self, facts: Facts) -> Standing:
        """Puts a runner on every ruler."""
        runner = facts.runner
        places: list[Place] = []
        bits = 0
        for bundle in self._bundles:
            answer = bundle.told(runner)
            more, more_bits = bundle.kept.get(answer) or bundle.place(answer, facts)
            places += more
            bits |= more_bits
        for derive, kept, slot in self._of_training:
            reading = derive(facts)
            if reading is None or isinstance(reading, Between):  # open, so that what was not given counts too
                absent = first_absent(slot.feature, facts)
                key: Hashable = (reading, absent)
            else:
                absent, key = None, reading
            place = kept.get(key) or keep(kept, key, slot.place(reading, absent))
            places.append(place)
            bits |= place.bits
        return Standing(facts, self, places, [places[slot].masks[nth] for slot, nth in self.ruler_places], bits)

    def bands_on(self, facts: Facts) -> dict[int, int]:
        """The masks, by ruler, that a training log alone decides; of rulers that carry points."""
        masks: dict[int, int] = {}
        for derive, measures in self._scoring_training:
            reading = derive(facts)
            for number, ruler in measures:
                masks[number] = ruler.mask(reading)
        return masks


def first_absent(feature: Feature, facts: Facts) -> str | None:
    """The first input of a feature that the request does not hold; None when it holds all.

    No sessions are nothing, unless they are a log of rest.
    """
    for pointer in feature.inputs:
        if pointer == "/training/sessions":
            if not facts.has_log:
                return pointer
            continue
        owner: object = facts
        for name in pointer.split("/")[1:]:
            owner = getattr(owner, name)
            if owner is None:
                return pointer
    return None


def grounds_of(rules: CompiledRuleSet) -> Grounds:
    """The grounds of a rule set, made once and kept with it."""
    kept = rules.carried.get("grounds")
    if kept is None:
        kept = rules.carried["grounds"] = Grounds(rules)
    return cast(Grounds, kept)


def keep(kept: dict[Hashable, Kept], key: Hashable, worked_out: Kept) -> Kept:
    """Keeps what was worked out; a memory that is full begins anew."""
    if len(kept) >= KEPT_MAX:
        kept.clear()
    kept[key] = worked_out
    return worked_out


def parts_read_by(feature: Feature) -> tuple[str, ...] | None:
    """The parts of the profile that a feature reads, "" for the runner's own fields; None when it reads the training.

    >>> parts_read_by(FEATURES["firm_shoe_light_runner"]), parts_read_by(FEATURES["weekly_distance_m"])
    (('shoes', 'mass_kg', 'sex'), None)
    """
    parts: dict[str, None] = {}
    for pointer in feature.inputs:
        whole, part, *_ = pointer.split("/")[1:]
        if whole != "runner":
            return None
        parts[part] = None
    return tuple(parts)


def told_by(features: Sequence[Feature]) -> Told:
    """What these features read of the profile, as one hashable answer.

    >>> from app.features import facts_from
    >>> told_by([FEATURES["months_since_knee_problem"]])(facts_from({"runner": {"knee": {"history": "never"}}}).runner)
    ('never', None)
    """
    fields: dict[str, dict[str, None]] = {}
    for pointer in dict.fromkeys(pointer for feature in features for pointer in feature.inputs):
        part, _, field = pointer.removeprefix("/runner/").rpartition("/")
        fields.setdefault(part, {})[field] = None
    readers = [_told_of(part, list(names)) for part, names in fields.items()]
    return readers[0] if len(readers) == 1 else lambda runner: tuple([reader(runner) for reader in readers])


def _told_of(part: str, fields: list[str]) -> Told:
    read = attrgetter(*fields)
    if not part:
        return read

    def told(runner: Runner) -> Hashable:
        owner = getattr(runner, part)
        return None if owner is None else read(owner)

    return told
