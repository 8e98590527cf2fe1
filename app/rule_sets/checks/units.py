"""Cuts are in the unit of their feature: 420 is no number of hours a night, and 40 no number of metres a week.

A document names a feature, and the feature has the unit. What can be seen from outside is a cut that would make sense
in another unit: it lies where nobody's number is. `CUTS_MAKE_SENSE` says, for every feature that answers a number,
between which two numbers a cut can lie; a new feature needs a row.
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from app.features import FEATURES
from app.rule_sets.checks.draft import Draft, request_of
from app.rule_sets.checks.finding import Check, CheckFinding
from app.rule_sets.profile_answers import Told
from app.rule_sets.witnesses import Bench
from app.scoring.rule_set import Condition, Factor
from app.scoring.rulers import edge_of


class Sense(NamedTuple):
    """The least and the greatest number at which a cut of a feature makes sense, in its unit."""

    least: Fraction
    most: Fraction


def _between(least: str, most: str) -> Sense:
    return Sense(Fraction(least), Fraction(most))


CUTS_MAKE_SENSE: Final[dict[str, Sense]] = {
    "session_spike_ratio": _between("0.2", "10"),
    "weekly_progression_novice_ratio": _between("0.2", "10"),
    "weekly_progression_unlogged_ratio": _between("0.2", "10"),
    "acute_chronic_ratio": _between("0.2", "10"),
    "week_to_week_ratio": _between("0.2", "10"),
    "weekly_distance_m": _between("1000", "300000"),
    "weekly_duration_min": _between("5", "3000"),
    "weekly_met_min": _between("50", "30000"),
    "weekly_running_days": _between("1", "7"),
    "days_since_run": _between("1", "365"),
    "longest_run_30d_m": _between("1000", "200000"),
    "months_since_knee_problem": _between("1", "600"),
    "months_since_other_injury": _between("1", "600"),
    "low_back_episodes": _between("1", "100"),
    "knee_pain_now": _between("1", "10"),
    "lower_back_pain_now": _between("1", "10"),
    "age_years": _between("10", "100"),
    "running_years": _between("0.05", "60"),
    "body_mass_kg": _between("30", "200"),
    "body_mass_index": _between("12", "60"),
    "sleep_hours": _between("3", "14"),
    "other_sport_hours_per_week": _between("0.25", "40"),
    "plank_seconds": _between("5", "1200"),
    "strength_sessions_per_week": _between("0.5", "14"),
    "shoe_pairs": _between("1", "20"),
    "shoe_distance_m": _between("50000", "5000000"),
}


def find_cuts_in_other_units(draft: Draft) -> Iterator[CheckFinding]:
    """Cuts that lie where nobody's number is, each with a runner of the usual numbers on the wrong side of it."""
    for number, factor in enumerate(draft.document.factors):
        for path, feature, cut in _cuts_of_factor(number, factor):
            yield from _look(draft, path, feature, cut)
    for name in ("flags", "advice", "benefits"):
        for number, part in enumerate(getattr(draft.document, name)):
            for field in ("when", "not_when"):
                for place, condition in enumerate(getattr(part, field, ())):
                    for path, feature, cut in _cuts_of_condition(condition, f"/{name}/{number}/{field}/{place}"):
                        yield from _look(draft, path, feature, cut)


def _cuts_of_factor(number: int, factor: Factor) -> Iterator[tuple[str, str, Decimal]]:
    for joint, at_joint in factor.joints.items():
        own = f"/factors/{number}/joints/{joint}" if at_joint.bands else f"/factors/{number}"
        if at_joint.bands or joint == next(iter(factor.joints)):
            for place, band in enumerate(factor.bands_of(joint)):
                edge = edge_of(band)
                if edge:  # every list of bands begins at 0
                    yield f"{own}/bands/{place}", factor.feature_of(joint), edge


def _cuts_of_condition(condition: Condition, path: str) -> Iterator[tuple[str, str, Decimal]]:
    for place, part in enumerate(condition.all_ or ()):
        yield from _cuts_of_condition(part, f"{path}/all/{place}")
    for name, cut in (
        ("from", condition.from_),
        ("above", condition.above),
        ("below", condition.below),
        ("to", condition.to),
    ):
        if condition.feature is not None and cut:
            yield f"{path}/{name}", condition.feature, cut


def _look(draft: Draft, path: str, feature: str, cut: Decimal) -> Iterator[CheckFinding]:
    sense = CUTS_MAKE_SENSE[feature]
    if sense.least <= cut <= sense.most:
        return
    unit = FEATURES[feature].unit
    message = f"A cut at {cut} makes no sense for {feature}, whose unit is {'a plain number' if unit == '1' else unit}."
    yield CheckFinding("error", "cut-in-other-unit", path, message, request_of(_nearest_usual(draft, feature, cut)))


def _nearest_usual(draft: Draft, feature: str, cut: Decimal) -> Told | None:
    """Somebody with a number that people have, as near to the cut as such numbers come."""
    sense = CUTS_MAKE_SENSE[feature]
    usual = [
        (number, one.told)
        for one in Bench(draft.rules, cuts={feature: sense}).witnesses(feature)
        if isinstance(reading := one.reading, tuple) and reading[1]
        if sense.least <= (number := Fraction(*reading)) <= sense.most
    ]
    end = max if cut > sense.most else min
    return end(usual, key=lambda each: each[0])[1] if usual else None


UNITS: Final = Check(
    "Every cut of a band or a condition makes sense in the unit of its feature.",
    {"cut-in-other-unit": "error"},
    find_cuts_in_other_units,
)
