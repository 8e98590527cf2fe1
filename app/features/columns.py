"""Every feature's twin over columns: one dict, one row a feature, as `FEATURES` beside it.

A feature that only hands on what the runner told is twinned by where it reads; the others have a function each in
`load_columns.py` or `body_columns.py`. A test holds the two dicts to the same features and the same answers.
"""

from app.features import FEATURES, Feature
from app.features import body_columns as body
from app.features import load_columns as load
from app.features.log_columns import ColumnFacts
from app.features.reading_columns import (
    BETWEEN,
    CHOICE,
    NOT_APPLICABLE,
    NUMBER,
    UNBOUNDED,
    UNKNOWN,
    DeriveColumn,
    RatioColumn,
    ReadingColumn,
)
from app.runners.told_columns import profile_kinds

__all__ = [
    "BETWEEN",
    "CHOICE",
    "COLUMN_FEATURES",
    "NOT_APPLICABLE",
    "NUMBER",
    "UNBOUNDED",
    "UNKNOWN",
    "ColumnFacts",
    "DeriveColumn",
    "RatioColumn",
    "ReadingColumn",
    "twin_of",
]

_COMBINED: dict[str, DeriveColumn] = {
    "session_spike_ratio": load.session_spike_ratio,
    "weekly_progression_novice_ratio": load.weekly_progression_novice_ratio,
    "weekly_progression_unlogged_ratio": load.weekly_progression_unlogged_ratio,
    "acute_chronic_ratio": load.acute_chronic_ratio,
    "week_to_week_ratio": load.week_to_week_ratio,
    "weekly_distance_m": load.weekly_distance_m,
    "weekly_duration_min": load.weekly_duration_min,
    "weekly_met_min": load.weekly_met_min,
    "weekly_running_days": load.weekly_running_days,
    "days_since_run": load.days_since_run,
    "longest_run_30d_m": load.longest_run_30d_m,
    "months_since_knee_problem": body.months_since("knee"),
    "months_since_other_injury": body.months_since("other_injury"),
    "low_back_episodes": body.low_back_episodes,
    "knee_surgery_clearance": body.surgery_clearance("knee"),
    "lower_back_surgery_clearance": body.surgery_clearance("lower_back"),
    "body_mass_index": body.body_mass_index,
    "supervised_hip_core": body.supervised_hip_core,
    "firm_shoe_light_runner": body.firm_shoe_light_runner,
    "motion_control_pronated": body.motion_control_pronated,
}


def twin_of(feature: Feature) -> DeriveColumn | None:
    """The twin of a feature: its own function, or that of the one field it hands on; None where there is neither."""
    if feature.id in _COMBINED:
        return _COMBINED[feature.id]
    (pointer, *others) = feature.inputs
    path = pointer.removeprefix("/runner/").replace("/", ".")
    kind = profile_kinds().get(path)
    if kind is None or others:
        return None
    if kind.sort == "choice":
        return body.told_choice(path, feature.choices)
    return body.told_yes_no(path) if kind.sort == "yes_no" else body.told_number(path)


COLUMN_FEATURES: dict[str, DeriveColumn] = {
    id_: twin for id_, feature in FEATURES.items() if (twin := twin_of(feature)) is not None
}
