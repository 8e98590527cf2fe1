"""Requests for Hypothesis: plausible, odd, and standing exactly on an edge."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

Request: TypeAlias = dict[str, Any]

DAYS: Final = (date(2026, 11, 23), date(2024, 3, 1), date(2025, 1, 3))
# Ratios on the edges of the bands, a hair beside them, and far from them.
RATIOS: Final = (0.5, 1.0, 1.1, 1.1001, 1.0999, 1.3, 1.3001, 1.5, 2.0, 2.0001, 3.0)
FLAG_IDS: Final = ("kn_locked", "kn_gives_way", "kn_cant_bear_weight", "lb_night_pain", "lb_ces_saddle")

# An object is told by its members' possible answers; `together` holds answers that only make sense with each other.
Answers: TypeAlias = dict[str, Any]

EPISODES: Final = tuple(
    {"history": history, **months, **episodes}
    for history in ("recovered", "current", None)
    for months in ({}, *({"months_since": months} for months in (0, 3, 4, 12, 13, 240)))
    for episodes in ({}, *({"episodes": count} for count in (0, 1, 2, 3)))
)
# Who never had trouble has no episodes to count: those answers contradict each other, and are refused.
HISTORIES: Final = (*({"history": "never"},) * 20, *EPISODES)
ELSEWHERE: Final = (*({"history": "never"},) * 10, *(told for told in EPISODES if "episodes" not in told))


def joint_answers(operation: str, *, flagged: bool) -> Answers:
    """What may be known of a joint; only a flagged runner has to see somebody."""
    cleared = [{"surgery": operation, "cleared_to_run": True}, {"surgery": operation, "surgery_months_since": 12}]
    uncleared = [
        {"surgery": operation},
        {"surgery": operation, "surgery_months_since": 11, "cleared_to_run": False},
        {"surgery": operation, "surgery_months_since": 30, "cleared_to_run": None},
        {"surgery": None, "cleared_to_run": False},
    ]
    return {
        "together": (
            HISTORIES,
            (*({"surgery": "none"},) * 9, {"surgery": None}, *cleared, *(uncleared if flagged else ())),
        ),
        "pain_now": (*(0, 0, 0, 1, 3, 4, 5) * 4, *((6, 7, 8, 10) if flagged else ())),
        "pain_at_rest": (*(False,) * 15, *((True,) if flagged else ())),
        "symptoms": (*([],) * 40, *(([name] for name in FLAG_IDS) if flagged else ())),
    }


def runner_answers(*, flagged: bool) -> Answers:
    """What may be known of a runner, with numbers on both sides of every cut."""
    return {
        "age_years": (*(18, 40, 64) * 5, *((17, 65) if flagged else ())),
        "sex": ("female", "male", "other"),
        "height_m": (1.6, 1.7, 1.8, 2.0, 1.7504),
        "mass_kg": (55, 62.7999, 62.7994, 62.8, 64, 72.25, 78.2, 78.1996, 86.7, 100, 120),
        "running_years": (0, 0.0004, 0.5, 0.9996, 0.9994, 1, 3, 20),
        "goal_event": ("none", "10k", "half_marathon", "marathon", "ultra"),
        "knee": joint_answers("meniscus", flagged=flagged),
        "lower_back": joint_answers("disc", flagged=flagged),
        "other_injury": {"together": (ELSEWHERE,)},
        "core_strength": ("weak", "average", "strong"),
        "plank_seconds": (60, 73.5, 90),
        "posture": ("poor", "fair", "good"),
        "foot_posture": ("pronated", "neutral"),
        "shoes": {
            "pairs": (0, 1, 2, 5),
            "cushioning": ("soft", "firm"),
            "support": ("neutral", "motion_control", "minimalist"),
            "comfortable": (True, False),
        },
        "strength_training": {
            "sessions_per_week": (0, 0.0004, 1, 1.9996, 1.9994, 2, 3.5),
            "supervised": (True, False),
            "focus": ("hip_core", "general"),
        },
        "warm_up": ("never", "sometimes", "usually"),
        "sleep_hours": (5, 6.9994, 6.9996, 7, 8.5),
        "other_sport_hours_per_week": (0, 0.9996, 1, 2, 2.5, 3, 12),
        "life_complaint": (True, False),
        "pregnancy": (*("none",) * 18, *(("pregnant", "postpartum") if flagged else ())),
        "symptoms": (*([],) * 20, *((["gen_bone_stress"],) if flagged else ())),
    }


ANSWERS: Final = {flagged: runner_answers(flagged=flagged) for flagged in (True, False)}
MOST_ANSWERS: Final = 80


def answered(answers: Answers, chance: Iterator[int], unknown_below: int) -> dict[str, Any]:
    """An object in which a member whose byte is too low is left out, or null, which says the same."""
    told: dict[str, Any] = {}
    for name, possible in answers.items():
        for choices in possible if name == "together" else [possible]:
            byte = next(chance)
            if byte < unknown_below:
                told |= {name: None} if byte % 5 == 1 and name != "together" else {}
            elif isinstance(choices, dict):
                told[name] = answered(choices, chance, unknown_below)
            else:
                told |= choices[byte % len(choices)] if name == "together" else {name: choices[byte % len(choices)]}
    return told


# One draw of bytes for a whole object costs a tenth of one draw for each of its members.
def runners(*, flagged: bool) -> st.SearchStrategy[dict[str, Any]]:
    """A profile of which anything may be unknown: the first byte says how much."""

    def unpacked(drawn: bytes) -> dict[str, Any]:
        # The simplest bytes leave everything unknown, one in five leaves nothing.
        return answered(ANSWERS[flagged], iter(drawn[1:]), unknown_below=max(0, 200 - drawn[0]))

    return st.binary(min_size=MOST_ANSWERS, max_size=MOST_ANSWERS).map(unpacked)


DISTANCES_M: Final = (None, 10000, 8000, 5000.5, 10000.0005, 21097.5, 3000, 0, 0.0004)
OFFSETS: Final = ("+09:00", "-11:00", "+00:00", "Z")
CLOCK: Final = ("00:30", "12:00", "23:30")


def run(days: int, distance: float | None, form: int, as_of: date) -> dict[str, Any]:
    """A session so many days ago; the form says whether its day, its moment or an id tells it apart."""
    day = as_of - timedelta(days=days)
    # An hour for a run that nobody does in an hour, or no time at all.
    session: dict[str, Any] = {"duration_s": distance / 3} if distance and form % 3 == 0 else {}
    if distance is not None or form % 2:
        session["distance_m"] = distance
    # East of Greenwich a start of today may lie in tomorrow, which is a fault: today has a day alone.
    if form % 4 == 1 and days:
        return {**session, "started_at": f"{day}T{CLOCK[form % 3]}:00{OFFSETS[form // 4 % 4]}"}
    return {**session, "started_on": str(day), **({"id": f"{day}/{distance}"} if form % 4 == 2 else {})}


def log_of(drawn: bytes, as_of: date) -> list[dict[str, Any]]:
    """A log: some runs of the last weeks, and often one that stands in a chosen ratio to another."""
    log = [
        run(days % 46, DISTANCES_M[distance % len(DISTANCES_M)], form, as_of)
        for days, distance, form in zip(*[iter(drawn[6:])] * 3, strict=False)
    ]
    if drawn[0] % 4:
        longest, later = (1000, 9000, 10000.25)[drawn[1] % 3], drawn[2] % 8
        ratio = RATIOS[drawn[3] % len(RATIOS)]
        log += [run(later + drawn[4] % 34, longest, drawn[5], as_of), run(later, longest * ratio, drawn[4], as_of)]
    return log


OBSERVED_DAYS: Final = (None, *(60,) * 9, 3, 5, 6, 7, 20, 27, 28, 29, 30, 31, 34, 35, 36, 37)
ZONES: Final = (None, None, "Pacific/Auckland", "America/Los_Angeles")
WEEKS_M: Final = (None, 0, 10000, 20000, 26000, 26000.002, 30000)


PLANNED_M: Final = (None, None, 5000, 11000, 11000.0004, 11000.275, 23100, 0)
PLANNED_DAYS: Final = (None, 0, 1, 6, 7, 25)


def trainings(as_of: date) -> st.SearchStrategy[dict[str, Any]]:
    """A log, weekly distances, both or neither."""

    def unpacked(drawn: bytes) -> dict[str, Any]:
        training: dict[str, Any] = {}
        kind, back, zone, weeks = drawn[0] % 8, drawn[1], drawn[2], drawn[3:9]
        if kind >= 3:
            training["sessions"] = log_of(drawn[9:], as_of)
            observed = OBSERVED_DAYS[back % len(OBSERVED_DAYS)]
            if observed is not None:
                training["observed_from"] = str(as_of - timedelta(days=observed))
            if ZONES[zone % len(ZONES)] is not None:
                training["time_zone"] = ZONES[zone % len(ZONES)]
            distance = PLANNED_M[zone // 4 % len(PLANNED_M)]
            ahead = PLANNED_DAYS[weeks[0] % len(PLANNED_DAYS)]
            if distance is not None:
                on = {} if ahead is None else {"on": str(as_of + timedelta(days=ahead))}
                training["planned_run"] = {"distance_m": distance, **on}
        if kind in {1, 2, 3}:
            training["weekly_distance_m"] = [WEEKS_M[week % len(WEEKS_M)] for week in weeks[: back % 7]]
        return training

    return st.binary(min_size=15, max_size=33).map(unpacked)


@st.composite
def requests(draw: st.DrawFn, *, flagged: bool = True) -> Request:
    """Any runner that may be scored; `flagged` ones may also have to see somebody."""
    as_of = draw(st.sampled_from(DAYS))
    return {"as_of": str(as_of), "runner": draw(runners(flagged=flagged)), "training": draw(trainings(as_of))}


def put(request: Request, pointer: str, given: Any) -> None:
    """Sets one member of a request, making the objects on the way."""
    *path, last = pointer.split("/")[1:]
    target = request
    for name in path:
        if target.get(name) is None:
            target[name] = {}
        target = target[name]
    target[last] = given


def log_with_spike(spike: float, *, observed_days: int = 60, as_of: date = DAYS[0]) -> dict[str, Any]:
    """A log whose last run is so many times as long as the one three weeks before."""
    return {
        "observed_from": str(as_of - timedelta(days=observed_days)),
        "sessions": [
            {"started_on": str(as_of - timedelta(days=21)), "distance_m": 10000},
            {"started_on": str(as_of), "distance_m": 10000 * spike},
        ],
    }
