"""Features of the profile: history, pain, habits, shoes.

Most only hand on what the runner told; those are made by `told_choice`, `told_number` and `told_yes_no`. The others
say in their docstring how they combine several answers, and what happens when one of them is missing.
"""

from collections.abc import Callable
from typing import Literal

from app.features.facts import Facts, thousandths
from app.features.reading import Between, Derive, Reading

LIGHT_MALE_G = 78_200
LIGHT_FEMALE_G = 62_800
SURGERY_MONTHS = 12

YesNo = Literal["yes", "no"]
RunnerPart = Literal["knee", "lower_back", "other_injury", "shoes", "strength_training"]


def _told(part: RunnerPart | None, field: str) -> Callable[[Facts], object]:
    if part is None:
        return lambda facts: getattr(facts.runner, field)

    def of_part(facts: Facts) -> object:
        owner = getattr(facts.runner, part)
        return None if owner is None else getattr(owner, field)

    return of_part


def told_choice(field: str, *, part: RunnerPart | None = None) -> Derive:
    """A feature that answers the choice the runner told.

    >>> from app.features.facts import facts_from
    >>> told_choice("goal_event")(facts_from({"runner": {"goal_event": "marathon"}}))
    'marathon'
    """
    read = _told(part, field)

    def derive(facts: Facts) -> Reading:
        told = read(facts)
        return told if isinstance(told, str) else None

    return derive


def told_number(field: str, *, part: RunnerPart | None = None) -> Derive:
    """A feature that answers the number the runner told, in thousandths.

    >>> from app.features.facts import facts_from
    >>> told_number("sleep_hours")(facts_from({"runner": {"sleep_hours": 6.5}}))
    (6500, 1000)
    """
    read = _told(part, field)

    def derive(facts: Facts) -> Reading:
        told = read(facts)
        if isinstance(told, int):
            return (told, 1)
        return (thousandths(told), 1000) if isinstance(told, float) else None

    return derive


def told_yes_no(field: str, *, part: RunnerPart | None = None) -> Derive:
    """A feature that answers yes or no, as the runner told.

    >>> from app.features.facts import facts_from
    >>> told_yes_no("life_complaint")(facts_from({"runner": {"life_complaint": False}}))
    'no'
    """
    read = _told(part, field)

    def derive(facts: Facts) -> Reading:
        told = read(facts)
        return None if told is None else "yes" if told else "no"

    return derive


def all_of(*parts: bool | None) -> YesNo | None:
    """AND with unknowns: one no settles it, else one unknown leaves it open.

    >>> all_of(True, True), all_of(True, None), all_of(None, False)
    ('yes', None, 'no')
    """
    if False in parts:
        return "no"
    return None if None in parts else "yes"


def _is(told: str | None, wanted: str) -> bool | None:
    return None if told is None else told == wanted


def _months_since(history: str | None, months: int | None) -> Reading:
    if history is None:
        return None
    if history == "never":
        return "never"
    if history == "current":
        return (0, 1)
    return Between((0, 1), None) if months is None else (months, 1)


def months_since_knee_problem(facts: Facts) -> Reading:
    """Completed months since the last knee trouble ended: a number, or `never`.

    Returns:
        0 while it is current; any number (`Between`) when it is over and the months are unknown. None when the history
        is unknown.

    Source: the split at 12 months is of the Dutch event-runner model and of Leppänen's review range (register rows
    prev_rri_any_knee, prev_knee_or_range).

    >>> from app.features.facts import facts_from
    >>> months_since_knee_problem(facts_from({"runner": {"knee": {"history": "recovered", "months_since": 8}}}))
    (8, 1)
    """
    knee = facts.runner.knee
    return None if knee is None else _months_since(knee.history, knee.months_since)


def months_since_other_injury(facts: Facts) -> Reading:
    """Completed months since the last running injury elsewhere ended: a number, or `never`; as for the knee.

    Source: Besomi 2018, doi 10.1186/s40798-018-0164-x, for the split at three months.

    >>> from app.features.facts import facts_from
    >>> months_since_other_injury(facts_from({"runner": {"other_injury": {"history": "never"}}}))
    'never'
    """
    injury = facts.runner.other_injury
    return None if injury is None else _months_since(injury.history, injury.months_since)


def low_back_episodes(facts: Facts) -> Reading:
    """Episodes of low back pain so far; `never` is 0, and any history is at least one.

    Returns:
        A count; `Between` 1 and no upper bound when there was trouble and the count is unknown. None when the history
        is unknown.

    Source: Machado 2017, doi 10.1093/ptj/pzx067, for the split above two.

    >>> from app.features.facts import facts_from
    >>> low_back_episodes(facts_from({"runner": {"lower_back": {"history": "recovered"}}}))
    Between(low=(1, 1), high=None)
    """
    back = facts.runner.lower_back
    if back is None or back.history is None:
        return None
    if back.history == "never":
        return (0, 1)
    return Between((1, 1), None) if back.episodes is None else (max(back.episodes, 1), 1)


def surgery_clearance(part: Literal["knee", "lower_back"]) -> Derive:
    """Whether an operation on the joint still stands between the runner and running: none, cleared or uncleared.

    An operation under 12 months ago without clearance is `uncleared`; clearance that was not asked is no clearance, and
    an operation of unknown date may be recent. Older ones count as `cleared`.

    Source: declared judgement, for safety.

    >>> from app.features.facts import facts_from
    >>> surgery_clearance("knee")(facts_from({"runner": {"knee": {"surgery": "meniscus", "surgery_months_since": 3}}}))
    'uncleared'
    """

    def derive(facts: Facts) -> Reading:
        joint = facts.runner.knee if part == "knee" else facts.runner.lower_back
        if joint is None or joint.surgery is None:
            return None
        if joint.surgery == "none":
            return "none"
        months = joint.surgery_months_since
        recent = months is None or months < SURGERY_MONTHS
        return "uncleared" if recent and joint.cleared_to_run is not True else "cleared"

    return derive


def body_mass_index(facts: Facts) -> Reading:
    """Body mass over height squared, kg/m2, from whole grams and millimetres. None when either is unknown.

    Source: Zhang 2018, doi 10.1097/BSD.0000000000000468, for its use.

    >>> from app.features.facts import facts_from
    >>> body_mass_index(facts_from({"runner": {"height_m": 1.6, "mass_kg": 64.0}}))
    (64000000, 2560000)
    """
    height, mass = facts.runner.height_m, facts.runner.mass_kg
    if height is None or mass is None:
        return None
    return (thousandths(mass) * 1000, thousandths(height) ** 2)


def firm_shoe_light_runner(facts: Facts) -> Reading:
    """Whether a light runner (under 78.2 kg, male; under 62.8 kg, female) runs in firm shoes.

    Returns:
        yes or no; of a runner whose sex is unknown or other only a mass that decides for both is known. None else.

    Source: Malisoux 2020, doi 10.1177/0363546519892578.

    >>> from app.features.facts import facts_from
    >>> firm_shoe_light_runner(facts_from({"runner": {"mass_kg": 61.0, "shoes": {"cushioning": "firm"}}}))
    'yes'
    """
    runner = facts.runner
    firm = None if runner.shoes is None else _is(runner.shoes.cushioning, "firm")
    light: bool | None = None
    if runner.mass_kg is not None:
        mass_g = thousandths(runner.mass_kg)
        if runner.sex == "male":
            light = mass_g < LIGHT_MALE_G
        elif runner.sex == "female" or mass_g < LIGHT_FEMALE_G:
            light = mass_g < LIGHT_FEMALE_G
        elif mass_g >= LIGHT_MALE_G:
            light = False
    return all_of(firm, light)


def motion_control_pronated(facts: Facts) -> Reading:
    """Whether feet assessed as pronated run in motion-control shoes; yes, no, or None where an unknown decides.

    Source: Malisoux 2016, Br J Sports Med 50(8):481.

    >>> from app.features.facts import facts_from
    >>> motion_control_pronated(facts_from({"runner": {"foot_posture": "neutral"}}))
    'no'
    """
    shoes = facts.runner.shoes
    support = None if shoes is None else _is(shoes.support, "motion_control")
    return all_of(_is(facts.runner.foot_posture, "pronated"), support)


def supervised_hip_core(facts: Facts) -> Reading:
    """Whether a hip-and-core programme is done under supervision; yes, no, or None where an unknown decides.

    Source: Leppänen 2024, doi 10.1136/bjsports-2023-107926.

    >>> from app.features.facts import facts_from
    >>> supervised_hip_core(facts_from({"runner": {"strength_training": {"sessions_per_week": 0.0}}}))
    'no'
    """
    strength = facts.runner.strength_training
    if strength is None:
        return None
    trains = None if strength.sessions_per_week is None else thousandths(strength.sessions_per_week) > 0
    return all_of(strength.supervised, _is(strength.focus, "hip_core"), trains)
