"""The profile, read slowly: body, habits and history, with ANDs of three values."""

from fractions import Fraction
from typing import Final

from tests.oracle.kinds import INFINITY, UNKNOWN, Between, Choice, Json, Number, Reading, Wire, measured, thousandths


def all_of(parts: list[bool | None]) -> Reading:
    """AND with unknowns: one no settles it, else one unknown leaves it open."""
    if any(part is False for part in parts):
        return Choice("no")
    return UNKNOWN if any(part is None for part in parts) else Choice("yes")


def same(given: Json, wanted: Json) -> bool | None:
    """Whether an answer is the one asked about; None where it was not given."""
    return None if given is None else given == wanted


LIGHT_BELOW_G: Final = {"male": 78_200, "female": 62_800}


def is_light(mass_g: int | None, sex: str | None) -> bool | None:
    """Lighter than the cut of the trial for this sex; of another or unknown sex only where both cuts agree."""
    if mass_g is None:
        return None
    if sex in LIGHT_BELOW_G:
        return mass_g < LIGHT_BELOW_G[sex]
    under = {mass_g < cut for cut in LIGHT_BELOW_G.values()}
    return under.pop() if len(under) == 1 else None


def months_since(joint: Wire) -> Reading:
    """Completed months since trouble ended, or `never`; a current one counts as 0."""
    match joint.get("history"):
        case "never":
            return Choice("never")
        case "current":
            return Number(Fraction(0))
        case "recovered":
            months = joint.get("months_since")
            return Between(Fraction(0), INFINITY) if months is None else Number(Fraction(months))
        case _:
            return UNKNOWN


def episodes(joint: Wire) -> Reading:
    """Episodes so far: none for never, at least one for anybody else."""
    match joint.get("history"):
        case "never":
            return Number(Fraction(0))
        case "recovered" | "current":
            count = joint.get("episodes")
            return Between(Fraction(1), INFINITY) if count is None else Number(Fraction(max(1, count)))
        case _:
            return UNKNOWN


def clearance(joint: Wire) -> Reading:
    """Whether an operation still waits for somebody's word: a year settles it, silence does not."""
    surgery, months, cleared = joint.get("surgery"), joint.get("surgery_months_since"), joint.get("cleared_to_run")
    if surgery is None:
        return UNKNOWN
    if surgery == "none":
        return Choice("none")
    if cleared is True or (months is not None and months >= 12):
        return Choice("cleared")
    return Choice("uncleared")


def counted(given: int | None) -> Reading:
    """A whole number as it was given."""
    return UNKNOWN if given is None else Number(Fraction(given))


def chosen(given: str | None) -> Reading:
    """A choice as it was given."""
    return UNKNOWN if given is None else Choice(given)


def yes_or_no(given: bool | None) -> Reading:
    """A yes or a no."""
    return UNKNOWN if given is None else Choice("yes" if given else "no")


def body_mass_index(mass_g: int | None, height_mm: int | None) -> Reading:
    """Kilograms over square metres, from grams and millimetres."""
    if mass_g is None or height_mm is None:
        return UNKNOWN
    return Number(Fraction(mass_g, 1000) / Fraction(height_mm, 1000) ** 2)


def read_body(runner: Wire) -> dict[str, Reading]:
    """What is known of every feature that the profile speaks of."""
    knee, back, other = (runner.get(part) or {} for part in ("knee", "lower_back", "other_injury"))
    shoes, strength = runner.get("shoes") or {}, runner.get("strength_training") or {}
    mass_g, height_mm = thousandths(runner.get("mass_kg")), thousandths(runner.get("height_m"))
    sessions_a_week = thousandths(strength.get("sessions_per_week"))
    return {
        "months_since_other_injury": months_since(other),
        "months_since_knee_problem": months_since(knee),
        "low_back_episodes": episodes(back),
        "knee_pain_now": counted(knee.get("pain_now")),
        "lower_back_pain_now": counted(back.get("pain_now")),
        "knee_pain_at_rest": yes_or_no(knee.get("pain_at_rest")),
        "lower_back_pain_at_rest": yes_or_no(back.get("pain_at_rest")),
        "knee_surgery_clearance": clearance(knee),
        "lower_back_surgery_clearance": clearance(back),
        "knee_history": chosen(knee.get("history")),
        "lower_back_history": chosen(back.get("history")),
        "other_injury_history": chosen(other.get("history")),
        "goal_event": chosen(runner.get("goal_event")),
        "sleep_hours": measured(runner.get("sleep_hours")),
        "life_complaint": yes_or_no(runner.get("life_complaint")),
        "body_mass_index": body_mass_index(mass_g, height_mm),
        "body_mass_kg": measured(runner.get("mass_kg")),
        "shoe_pairs": counted(shoes.get("pairs")),
        "shoe_cushioning": chosen(shoes.get("cushioning")),
        "shoe_support": chosen(shoes.get("support")),
        "shoe_distance_m": measured(shoes.get("distance_m")),
        "shoe_comfort": yes_or_no(shoes.get("comfortable")),
        "firm_shoe_light_runner": all_of([same(shoes.get("cushioning"), "firm"), is_light(mass_g, runner.get("sex"))]),
        "motion_control_pronated": all_of(
            [same(runner.get("foot_posture"), "pronated"), same(shoes.get("support"), "motion_control")]
        ),
        "supervised_hip_core": all_of(
            [
                strength.get("supervised"),
                same(strength.get("focus"), "hip_core"),
                None if sessions_a_week is None else sessions_a_week > 0,
            ]
        ),
        "strength_sessions_per_week": measured(strength.get("sessions_per_week")),
        "strength_focus": chosen(strength.get("focus")),
        "strength_supervised": yes_or_no(strength.get("supervised")),
        "other_sport_hours_per_week": measured(runner.get("other_sport_hours_per_week")),
        "core_strength": chosen(runner.get("core_strength")),
        "plank_seconds": measured(runner.get("plank_seconds")),
        "posture": chosen(runner.get("posture")),
        "warm_up": chosen(runner.get("warm_up")),
        "foot_posture": chosen(runner.get("foot_posture")),
        "age_years": counted(runner.get("age_years")),
        "sex": chosen(runner.get("sex")),
        "running_years": measured(runner.get("running_years")),
        "pregnancy": chosen(runner.get("pregnancy")),
    }
