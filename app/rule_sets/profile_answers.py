"""What a runner would have to answer so that a feature of the profile reads this or that: one row a kind of answer.

An answer is told as a flat map from JSON Pointers into the request to what stands there. A feature that hands on one
field is answered from the request's own schema; the features that combine several have a row in `ANSWERS`.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias, cast

from pydantic import JsonValue

from app.features import FEATURES
from app.features.body import LIGHT_FEMALE_G, LIGHT_MALE_G, SURGERY_MONTHS
from app.rule_sets.cuts import probe_numbers, write_number
from app.runners import ScoreRequest

Told: TypeAlias = dict[str, JsonValue]
Cuts: TypeAlias = Sequence[Fraction]

THOUSANDTH: Final = Fraction(1, 1_000)
MONTHS_MOST: Final = 1_200
EPISODES_MOST: Final = 1_000
# Whole numbers, so that mass over height squared can stand exactly on a cut.
HEIGHTS_M: Final = (Fraction(2), Fraction(8, 5), Fraction(7, 4))
MASS_LEAST_KG: Final = Fraction(20)
MASS_MOST_KG: Final = Fraction(350)


class Field(NamedTuple):
    """What the request's schema lets stand in one field.

    Attributes:
        choices: all that may stand there, of a field that is no number.
        lowest, highest, step: of a number.
    """

    choices: tuple[JsonValue, ...]
    lowest: Fraction
    highest: Fraction
    step: Fraction


def answers_of(feature: str, cuts: Cuts) -> list[Told]:
    """Answers after which the feature reads something, on every side of every cut; partial ones last, none twice.

    Args:
        feature: one that reads the profile alone.
        cuts: rising; where a band or a condition begins or ends.
    """
    make = ANSWERS.get(feature)
    if make is not None:
        told = list(make(cuts))
    else:
        (pointer,) = FEATURES[feature].inputs
        told = [{pointer: given} for given in _answers_in(field_at(pointer), cuts)]
    return [answer for place, answer in enumerate(told) if answer not in told[:place]]


@cache
def field_at(pointer: str) -> Field:
    """What may stand at a pointer of the request, by the schema that callers see.

    >>> field_at("/runner/sleep_hours").highest, field_at("/runner/core_strength").choices
    (Fraction(24, 1), ('weak', 'average', 'strong'))
    """
    schema: dict[str, Any] = ScoreRequest.model_json_schema()
    here = schema
    for name in pointer.split("/")[1:]:
        here = _settled(schema, here["properties"][name])
    if here["type"] == "boolean":
        return Field((False, True), Fraction(0), Fraction(0), Fraction(1))
    if "enum" in here:
        return Field(tuple(here["enum"]), Fraction(0), Fraction(0), Fraction(1))
    step = Fraction(1) if here["type"] == "integer" else THOUSANDTH
    return Field((), Fraction(here["minimum"]), Fraction(here["maximum"]), step)


def _settled(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema without null and references."""
    for one in part.get("anyOf", ()):
        if one.get("type") != "null":
            part = one
    reference = part.get("$ref")
    return part if reference is None else cast("dict[str, Any]", schema["$defs"][reference.rpartition("/")[2]])


def _answers_in(field: Field, cuts: Cuts) -> Iterator[JsonValue]:
    if field.choices:
        yield from field.choices
        return
    for number in probe_numbers(cuts, lowest=field.lowest, highest=field.highest, step=field.step):
        yield write_number(number)


def _months_since(part: str) -> Callable[[Cuts], Iterator[Told]]:
    def answers(cuts: Cuts) -> Iterator[Told]:
        yield {f"{part}/history": "never"}
        yield {f"{part}/history": "current"}
        for months in probe_numbers(cuts, lowest=Fraction(0), highest=Fraction(MONTHS_MOST), step=Fraction(1)):
            yield {f"{part}/history": "recovered", f"{part}/months_since": write_number(months)}
        yield {f"{part}/history": "recovered"}

    return answers


def _episodes(cuts: Cuts) -> Iterator[Told]:
    yield {"/runner/lower_back/history": "never"}
    for count in probe_numbers(cuts, lowest=Fraction(1), highest=Fraction(EPISODES_MOST), step=Fraction(1)):
        for history in ("recovered", "current"):
            yield {"/runner/lower_back/history": history, "/runner/lower_back/episodes": write_number(count)}
    yield {"/runner/lower_back/history": "recovered"}


def _surgery(part: str) -> Callable[[Cuts], Iterator[Told]]:
    def answers(_: Cuts) -> Iterator[Told]:
        yield {f"{part}/surgery": "none"}
        done: Told = {f"{part}/surgery": "other"}
        yield {**done, f"{part}/surgery_months_since": SURGERY_MONTHS // 2, f"{part}/cleared_to_run": True}
        yield {**done, f"{part}/surgery_months_since": SURGERY_MONTHS // 2, f"{part}/cleared_to_run": False}
        yield {**done, f"{part}/surgery_months_since": SURGERY_MONTHS * 2}

    return answers


def _body_mass_index(cuts: Cuts) -> Iterator[Told]:
    for index in probe_numbers(cuts, lowest=Fraction(10), highest=Fraction(60), step=Fraction(1, 10)):
        for height in HEIGHTS_M:
            mass = index * height**2
            if MASS_LEAST_KG <= mass <= MASS_MOST_KG:
                yield {"/runner/height_m": write_number(height), "/runner/mass_kg": write_number(mass)}


def _firm_and_light(_: Cuts) -> Iterator[Told]:
    yield {"/runner/shoes/cushioning": "soft"}
    for cushioning in ("firm", "soft"):
        for sex, light_g in (("female", LIGHT_FEMALE_G), ("male", LIGHT_MALE_G)):
            for mass_g in (light_g - 5_000, light_g + 5_000):
                yield {
                    "/runner/shoes/cushioning": cushioning,
                    "/runner/sex": sex,
                    "/runner/mass_kg": write_number(Fraction(mass_g, 1_000)),
                }


def _motion_control_on_pronated(_: Cuts) -> Iterator[Told]:
    for foot in ("pronated", "neutral"):
        for support in ("motion_control", "neutral"):
            yield {"/runner/foot_posture": foot, "/runner/shoes/support": support}
    yield {"/runner/foot_posture": "neutral"}


def _supervised_hip_core(_: Cuts) -> Iterator[Told]:
    part = "/runner/strength_training"
    for supervised, focus, sessions in ((True, "hip_core", 2), (False, "general", 0), (False, "general", 2)):
        yield {f"{part}/supervised": supervised, f"{part}/focus": focus, f"{part}/sessions_per_week": sessions}
    yield {f"{part}/supervised": False}
    yield {f"{part}/supervised": True, f"{part}/focus": "hip_core", f"{part}/sessions_per_week": 1}


ANSWERS: Final[dict[str, Callable[[Cuts], Iterator[Told]]]] = {
    "months_since_knee_problem": _months_since("/runner/knee"),
    "months_since_other_injury": _months_since("/runner/other_injury"),
    "low_back_episodes": _episodes,
    "knee_surgery_clearance": _surgery("/runner/knee"),
    "lower_back_surgery_clearance": _surgery("/runner/lower_back"),
    "body_mass_index": _body_mass_index,
    "firm_shoe_light_runner": _firm_and_light,
    "motion_control_pronated": _motion_control_on_pronated,
    "supervised_hip_core": _supervised_hip_core,
}
"""The features that combine several fields; a new one of that kind needs a row here."""
