"""Every feature that a rule set may read: one dict, one row a feature.

A feature's meaning is as immutable as a rule set: a change that alters any answer gets a new id, the old one stays.
"""

from app.features import body, load
from app.features.facts import Facts, derive_facts, facts_from
from app.features.reading import NOT_APPLICABLE, Between, Feature, Reading

__all__ = ["FEATURES", "NOT_APPLICABLE", "Between", "Facts", "Feature", "Reading", "derive_facts", "facts_from"]

_SESSIONS = "/training/sessions"
_OBSERVED = "/training/observed_from"
_WEEKS = "/training/weekly_distance_m"
_YEARS = "/runner/running_years"
_ASKED = "asked of the runner as it is"
_FRANDSEN = "Frandsen 2025, doi 10.1136/bjsports-2024-109380"
_OURS = "our definition"
_HISTORY = ("never", "recovered", "current")
_NO_YES = ("no", "yes")


def _number(
    id: str, title: str, unit: str, field: str, *, part: body.RunnerPart | None = None, decimals: int = 0
) -> Feature:
    pointer = f"/runner/{part}/{field}" if part else f"/runner/{field}"
    return Feature(id, title, unit, body.told_number(field, part=part), (pointer,), _ASKED, decimals=decimals)


def _choice(
    id: str, title: str, field: str, choices: tuple[str, ...], *, part: body.RunnerPart | None = None
) -> Feature:
    pointer = f"/runner/{part}/{field}" if part else f"/runner/{field}"
    return Feature(id, title, "choice", body.told_choice(field, part=part), (pointer,), _ASKED, choices=choices)


def _yes_no(id: str, title: str, field: str, *, part: body.RunnerPart | None = None) -> Feature:
    pointer = f"/runner/{part}/{field}" if part else f"/runner/{field}"
    return Feature(id, title, "choice", body.told_yes_no(field, part=part), (pointer,), _ASKED, choices=_NO_YES)


_ALL: tuple[Feature, ...] = (
    # training load
    Feature(
        "session_spike_ratio", "Longest run of the last 7 days against the longest of the 30 days before it", "1",
        load.session_spike_ratio, (_SESSIONS, _OBSERVED), _FRANDSEN, history_days=37, decimals=2, partly_known=True, may_not_apply=True,
    ),
    Feature(
        "weekly_progression_novice_ratio", "Last 7 days against the mean of the 3 weeks before, first-year runners", "1",
        load.weekly_progression_novice_ratio, (_YEARS, _SESSIONS, _OBSERVED), "Nielsen 2014, doi 10.2519/jospt.2014.5164",
        history_days=28, decimals=2, may_not_apply=True,
    ),
    Feature(
        "weekly_progression_unlogged_ratio", "Last week against the mean of the 3 before, where no sessions are known", "1",
        load.weekly_progression_unlogged_ratio, (_YEARS, _WEEKS), "Nielsen 2014, doi 10.2519/jospt.2014.5164",
        history_days=28, decimals=2, may_not_apply=True,
    ),
    Feature(
        "acute_chronic_ratio", "Last 7 days against the weekly mean of the 28 days before", "1",
        load.acute_chronic_ratio, (_SESSIONS, _OBSERVED), "Impellizzeri 2021, doi 10.1007/s40279-020-01378-6",
        history_days=35, decimals=2,
    ),
    Feature(
        "week_to_week_ratio", "Last 7 days against the 7 days before", "1",
        load.week_to_week_ratio, (_SESSIONS, _OBSERVED), _FRANDSEN, history_days=14, decimals=2,
    ),
    Feature("weekly_distance_m", "Distance of the last 7 days", "m", load.weekly_distance_m, (_SESSIONS, _OBSERVED), _OURS, history_days=7),
    Feature("weekly_duration_min", "Running time of the last 7 days", "min", load.weekly_duration_min, (_SESSIONS, _OBSERVED), _OURS, history_days=7),
    Feature(
        "weekly_met_min", "MET-minutes of running in the last 7 days", "MET min", load.weekly_met_min, (_SESSIONS, _OBSERVED),
        "2024 Adult Compendium of Physical Activities", history_days=7,
    ),
    Feature("weekly_running_days", "Days with a run among the last 7", "d", load.weekly_running_days, (_SESSIONS, _OBSERVED), _OURS, history_days=7),
    Feature("days_since_run", "Days since the last run", "d", load.days_since_run, (_SESSIONS,), _OURS),
    Feature(
        "longest_run_30d_m", "Longest run of the last 30 days", "m", load.longest_run_30d_m, (_SESSIONS, _OBSERVED), _FRANDSEN, history_days=30,
    ),
    # history, pain, surgery
    Feature(
        "months_since_knee_problem", "Months since the last knee trouble", "months", body.months_since_knee_problem,
        ("/runner/knee/history", "/runner/knee/months_since"), "register rows prev_rri_any_knee and prev_knee_or_range",
        choices=("never",), partly_known=True,
    ),
    Feature(
        "months_since_other_injury", "Months since the last running injury elsewhere", "months", body.months_since_other_injury,
        ("/runner/other_injury/history", "/runner/other_injury/months_since"), "Besomi 2018, doi 10.1186/s40798-018-0164-x",
        choices=("never",), partly_known=True,
    ),
    Feature(
        "low_back_episodes", "Episodes of low back pain so far", "1", body.low_back_episodes,
        ("/runner/lower_back/history", "/runner/lower_back/episodes"), "Machado 2017, doi 10.1093/ptj/pzx067", partly_known=True,
    ),
    _number("knee_pain_now", "Knee pain over the last 7 days, 0 to 10", "1", "pain_now", part="knee"),
    _number("lower_back_pain_now", "Lower-back pain over the last 7 days, 0 to 10", "1", "pain_now", part="lower_back"),
    _yes_no("knee_pain_at_rest", "Knee pain at rest or at night", "pain_at_rest", part="knee"),
    _yes_no("lower_back_pain_at_rest", "Lower-back pain at rest or at night", "pain_at_rest", part="lower_back"),
    Feature(
        "knee_surgery_clearance", "Clearance to run after a knee operation", "choice", body.surgery_clearance("knee"),
        ("/runner/knee/surgery", "/runner/knee/surgery_months_since", "/runner/knee/cleared_to_run"), _OURS,
        choices=("none", "cleared", "uncleared"),
    ),
    Feature(
        "lower_back_surgery_clearance", "Clearance to run after a back operation", "choice", body.surgery_clearance("lower_back"),
        ("/runner/lower_back/surgery", "/runner/lower_back/surgery_months_since", "/runner/lower_back/cleared_to_run"), _OURS,
        choices=("none", "cleared", "uncleared"),
    ),
    _choice("knee_history", "Knee trouble: never, recovered or current", "history", _HISTORY, part="knee"),
    _choice("lower_back_history", "Back trouble: never, recovered or current", "history", _HISTORY, part="lower_back"),
    _choice("other_injury_history", "A running injury elsewhere: never, recovered or current", "history", _HISTORY, part="other_injury"),
    # person
    _number("age_years", "Age", "years", "age_years"),
    _choice("sex", "Sex", "sex", ("female", "male", "other")),
    _number("running_years", "Years of regular running", "years", "running_years", decimals=1),
    _choice("pregnancy", "Pregnant, or within 12 weeks after birth", "pregnancy", ("none", "pregnant", "postpartum")),
    _number("body_mass_kg", "Body mass", "kg", "mass_kg", decimals=1),
    Feature(
        "body_mass_index", "Body mass index", "kg/m2", body.body_mass_index, ("/runner/height_m", "/runner/mass_kg"),
        "Zhang 2018, doi 10.1097/BSD.0000000000000468", decimals=1,
    ),
    _choice("goal_event", "The race that the training is for", "goal_event", ("none", "5k", "10k", "half_marathon", "marathon", "ultra")),
    # habits
    _number("sleep_hours", "Sleep a night, mean of the last two weeks", "h", "sleep_hours", decimals=1),
    _yes_no("life_complaint", "A complaint of stress, mood or daily life in the last 7 days", "life_complaint"),
    _number("other_sport_hours_per_week", "Other sport a week", "h", "other_sport_hours_per_week", decimals=1),
    _choice("core_strength", "Trunk strength as the runner takes it to be", "core_strength", ("strong", "average", "weak")),
    _number("plank_seconds", "Longest front plank", "s", "plank_seconds"),
    _choice("posture", "Posture while running as it has been judged", "posture", ("good", "fair", "poor")),
    _choice("warm_up", "Whether runs begin with a warm-up", "warm_up", ("usually", "sometimes", "never")),
    _number("strength_sessions_per_week", "Strength or trunk sessions a week", "1", "sessions_per_week", part="strength_training", decimals=1),
    _choice("strength_focus", "Focus of the strength training", "focus", ("hip_core", "general"), part="strength_training"),
    _yes_no("strength_supervised", "Whether strength training is guided in person", "supervised", part="strength_training"),
    Feature(
        "supervised_hip_core", "A supervised hip-and-core programme", "choice", body.supervised_hip_core,
        ("/runner/strength_training/supervised", "/runner/strength_training/focus", "/runner/strength_training/sessions_per_week"),
        "Leppänen 2024, doi 10.1136/bjsports-2023-107926", choices=_NO_YES,
    ),
    # feet and shoes
    _choice("foot_posture", "Foot posture as assessed by somebody", "foot_posture", ("pronated", "neutral", "supinated")),
    _number("shoe_pairs", "Pairs of running shoes used in parallel", "1", "pairs", part="shoes"),
    _choice("shoe_cushioning", "Firmness of the midsole", "cushioning", ("soft", "medium", "firm"), part="shoes"),
    _choice("shoe_support", "Kind of shoe", "support", ("neutral", "stability", "motion_control", "minimalist"), part="shoes"),
    _number("shoe_distance_m", "Distance run in the most used pair", "m", "distance_m", part="shoes"),
    _yes_no("shoe_comfort", "Whether the shoes feel comfortable", "comfortable", part="shoes"),
    Feature(
        "firm_shoe_light_runner", "Firm shoes on a light runner", "choice", body.firm_shoe_light_runner,
        ("/runner/shoes/cushioning", "/runner/mass_kg", "/runner/sex"), "Malisoux 2020, doi 10.1177/0363546519892578", choices=_NO_YES,
    ),
    Feature(
        "motion_control_pronated", "Motion-control shoes on pronated feet", "choice", body.motion_control_pronated,
        ("/runner/foot_posture", "/runner/shoes/support"), "Malisoux 2016, Br J Sports Med 50(8):481", choices=_NO_YES,
    ),
)  # fmt: skip

FEATURES: dict[str, Feature] = {feature.id: feature for feature in _ALL}
