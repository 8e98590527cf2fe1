"""Requests and small rule sets for Hypothesis: plausible, odd, and standing exactly on an edge."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from tests.oracle.scores import JOINTS

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
            "distance_m": (0, 300000.25, 900000),
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


def runner_of(drawn: bytes, *, flagged: bool = True) -> dict[str, Any]:
    """A profile of which anything may be unknown: the first byte says how much."""
    # The simplest bytes leave everything unknown, one in five leaves nothing.
    return answered(ANSWERS[flagged], iter(drawn[1:]), unknown_below=max(0, 200 - drawn[0]))


# One draw of bytes for a whole object costs a tenth of one draw for each of its members.
def runners(*, flagged: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Any profile."""
    return st.binary(min_size=MOST_ANSWERS, max_size=MOST_ANSWERS).map(lambda drawn: runner_of(drawn, flagged=flagged))


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


OBSERVED_DAYS: Final = (None, *(60,) * 9, 3, 6, 7, 20, 27, 28, 29, 34, 35, 36, 37)
ZONES: Final = (None, None, "Pacific/Auckland", "America/Los_Angeles")
WEEKS_M: Final = (None, 0, 10000, 20000, 26000, 26000.002, 30000)


PLANNED_M: Final = (None, None, 5000, 11000, 11000.0004, 11000.275, 23100, 0)
PLANNED_DAYS: Final = (None, 0, 1, 6, 7, 25)


def training_of(drawn: bytes, as_of: date) -> dict[str, Any]:
    """A log, weekly distances, both or neither."""
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


def trainings(as_of: date) -> st.SearchStrategy[dict[str, Any]]:
    """Any training."""
    return st.binary(min_size=15, max_size=33).map(lambda drawn: training_of(drawn, as_of))


@st.composite
def requests(draw: st.DrawFn, *, flagged: bool = True) -> Request:
    """Any runner that may be scored; `flagged` ones may also have to see somebody."""
    as_of = draw(st.sampled_from(DAYS))
    return {"as_of": str(as_of), "runner": draw(runners(flagged=flagged)), "training": draw(trainings(as_of))}


# Features that one field decides, with readings of every kind: where in the request, the worst first, edges between.
PLAIN_FEATURES: Final[dict[str, tuple[str, tuple[Any, ...], tuple[Any, ...]]]] = {
    "sleep_hours": ("/runner/sleep_hours", (5, 6.5, 8, 9.5), (6, 7, 9)),
    "shoe_pairs": ("/runner/shoes/pairs", (0, 1, 3, 6), (1, 2, 5)),
    "knee_pain_now": ("/runner/knee/pain_now", (0, 1, 3, 5), (1, 2, 4)),
    "lower_back_pain_now": ("/runner/lower_back/pain_now", (0, 1, 3, 5), (1, 2, 4)),
    "strength_sessions_per_week": ("/runner/strength_training/sessions_per_week", (0, 1.5, 2.5, 6), (1, 2, 3)),
    "other_sport_hours_per_week": ("/runner/other_sport_hours_per_week", (0, 1.5, 2.5, 6), (1, 2, 3)),
    "age_years": ("/runner/age_years", (20, 35, 45, 60), (30, 40, 50)),
    "plank_seconds": ("/runner/plank_seconds", (20, 70, 100, 150), (60, 90, 120)),
    "core_strength": ("/runner/core_strength", ("strong", "average", "weak"), ()),
    "posture": ("/runner/posture", ("good", "fair", "poor"), ()),
    "warm_up": ("/runner/warm_up", ("usually", "sometimes", "never"), ()),
    "goal_event": ("/runner/goal_event", ("none", "5k", "10k", "half_marathon", "marathon", "ultra"), ()),
    "life_complaint": ("/runner/life_complaint", (False, True), ()),
    "shoe_cushioning": ("/runner/shoes/cushioning", ("soft", "medium", "firm"), ()),
}
# Features of which a part may be known.
PARTLY_KNOWN: Final = (
    "months_since_knee_problem",
    "months_since_other_injury",
    "low_back_episodes",
    "session_spike_ratio",
)
EDGES: Final[dict[str, tuple[float, ...]]] = {"low_back_episodes": (1, 2, 4), "session_spike_ratio": (0.9, 1.1, 2)}
CHOICES_ON_WIRE: Final = {False: "no", True: "yes"}


def numbered_bands(edges: list[tuple[str, float]]) -> list[dict[str, Any]]:
    """Bands of a number: from the least, then from each edge on."""
    return [{"from": 0}, *({kind: edge} for kind, edge in edges)]


@st.composite
def bands_of(draw: st.DrawFn, feature: str) -> list[dict[str, Any]]:
    """Two to four bands of a feature, without shares or effects."""
    edge_kind = st.sampled_from(("from", "above"))
    if feature in PLAIN_FEATURES:
        _, values, edges = PLAIN_FEATURES[feature]
        if edges:
            chosen = sorted(draw(st.lists(st.sampled_from(edges), min_size=1, max_size=3, unique=True)))
            return numbered_bands([(draw(edge_kind), edge) for edge in chosen])
        names = [CHOICES_ON_WIRE.get(value, value) if isinstance(value, bool) else value for value in values]
        cuts = st.lists(st.integers(1, len(names) - 1), min_size=1, max_size=3, unique=True)
        ends = [0, *sorted(draw(cuts)), len(names)]
        return [{"is": names[start:end]} for start, end in pairwise(ends)]
    if feature in EDGES:
        crossed = sorted(draw(st.lists(st.sampled_from(EDGES[feature]), min_size=1, max_size=3, unique=True)))
        return numbered_bands([(draw(edge_kind), edge) for edge in crossed])
    months = sorted(draw(st.lists(st.sampled_from((3, 6, 12)), min_size=1, max_size=2, unique=True)))
    bands = numbered_bands([(draw(edge_kind), edge) for edge in months])
    if draw(st.booleans()):
        return [*bands, {"is": "never"}]
    return [*bands[:-1], {**bands[-1], "is": "never"}]


WORSE_WHEN: Final = {
    "higher": ("knee_pain_now", "lower_back_pain_now", "age_years", "low_back_episodes", "session_spike_ratio"),
    "lower": (
        *("sleep_hours", "shoe_pairs", "strength_sessions_per_week", "other_sport_hours_per_week", "plank_seconds"),
        *("months_since_knee_problem", "months_since_other_injury"),
    ),
}


def worse_when(feature: str) -> str:
    """Which way a feature gets worse."""
    return next((way for way, features in WORSE_WHEN.items() if feature in features), "later")


GRADES: Final = {"moderate": 0.75, "low": 0.5, "very_low": 0.25}


@st.composite
def factors(draw: st.DrawFn, name: str, feature: str, group: str, *, protective: bool) -> dict[str, Any]:
    """A factor whose ratios grow the worse its band is, or shrink the better it is."""
    bands = draw(bands_of(feature))
    way = worse_when(feature)
    by_badness = list(reversed(bands)) if way == "lower" else list(bands)
    if protective:
        by_badness.reverse()
    # Now the reference band stands first, and each next one moves the score further away from it.
    others = len(bands) - 1
    ratio_percent = 100
    for band, step in zip(
        by_badness[1:], draw(st.lists(st.integers(5, 90), min_size=others, max_size=others)), strict=True
    ):
        ratio_percent += step
        ratio = 100 / ratio_percent if protective else ratio_percent / 100
        row = {
            "ratio": round(ratio, 4),
            "low": round(ratio / 2, 4),
            "high": round(ratio * 2, 4),
            "register_row": "none",
        }
        band.update(row)
    furthest = by_badness[-1]
    match draw(st.integers(0, 3)):
        case 0:
            furthest["power"] = 2
        case 1:
            more = {"ratio": 0.9, "low": 0.8, "high": 1.0} if protective else {"ratio": 1.1, "low": 1.0, "high": 1.3}
            furthest["effects"] = [{**more, "register_row": "none"}]
        case _:
            pass
    # At most one band is without a share, so that any two bands left possible have some between them.
    shares = draw(
        st.lists(st.integers(0, 300), min_size=others, max_size=others).filter(lambda all_: all_.count(0) < 2)
    )
    for band, share in zip(by_badness, [1000 - sum(shares), *shares], strict=True):
        band["share"] = share / 1000
    by_badness[0]["reference"] = True
    joints = draw(st.sampled_from((("knee",), ("lower_back",), JOINTS)))
    own = {}
    for acted_on in joints:
        grade = draw(st.sampled_from(tuple(GRADES)))
        own[acted_on] = {"grade": grade, "weight": GRADES[grade]}
    return {
        "id": name,
        "title": name,
        "feature": feature,
        "worse_when": way,
        "modifiable": True,
        "group": group,
        "joints": own,
        "bands": bands,
        "shares_from": "assumed",
        "evidence": {"measure": "RR", "outcome": "any", "sources": ["made-up"], "checked_on": "2026-11-23"},
        "limits": "Made up.",
    }


REST_OF_DOCUMENT: Final[dict[str, Any]] = {
    "levels": {
        "cuts": [
            {"id": "low", "from": 0, "headline": "Low."},
            {"id": "typical", "from": 35, "headline": "Typical."},
            {"id": "high", "from": 70, "headline": "High."},
        ],
        "known_share_floor": 0.1,
    },
    "advice": [],
    "flags": [],
    "benefits": [],
    "sources": {"made-up": {"citation": "Made up for a test."}},
    "rates": {
        group: {
            "title": group,
            "joints": {
                "knee": {"average": 2.2, "low": 1.1, "high": 3.2},
                "lower_back": {"average": 0.4, "low": 0.15, "high": 0.7},
            },
        }
        for group in ("first_year", "experienced")
    }
    | {"unknown_experience_title": "runners", "sources": ["made-up"]},
    "texts": {
        "notice": "A test.",
        "joints": {"knee": "knee", "lower_back": "lower back"},
        "headline_not_assessed": "Too little.",
        "finding_first_year": "First year.",
    },
    "examples": [],
}


@st.composite
def documents(draw: st.DrawFn, *, features: tuple[str, ...] = (*PLAIN_FEATURES, *PARTLY_KNOWN)) -> dict[str, Any]:
    """A rule set of two to four factors in groups of their own or shared, each joint with at least one."""
    chosen = draw(st.lists(st.sampled_from(features), min_size=2, max_size=4, unique=True))
    protective = {group: draw(st.booleans()) for group in ("first", "second")}
    made = []
    for place, feature in enumerate(chosen):
        group = draw(st.sampled_from(("first", "second")))
        made.append(draw(factors(f"factor_{place}", feature, group, protective=protective[group])))
    for acted_on in JOINTS:
        if not any(acted_on in factor["joints"] for factor in made):
            made[0]["joints"][acted_on] = {"grade": "low", "weight": 0.5}
    return {"factors": made, **REST_OF_DOCUMENT}


def put(request: Request, pointer: str, given: Any) -> None:
    """Sets one member of a request, making the objects on the way."""
    *path, last = pointer.split("/")[1:]
    target = request
    for name in path:
        if target.get(name) is None:
            target[name] = {}
        target = target[name]
    target[last] = given


PARTLY: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "months_since_knee_problem": tuple(
        {"knee": part}
        for part in (
            *({"history": "never"}, {"history": "current"}, {"history": "recovered"}),
            *({"history": "recovered", "months_since": months} for months in (2, 4, 8, 20)),
        )
    ),
    "months_since_other_injury": tuple(
        {"other_injury": part}
        for part in (
            *({"history": "never"}, {"history": "current"}, {"history": "recovered"}),
            *({"history": "recovered", "months_since": months} for months in (2, 4, 8, 20)),
        )
    ),
    "low_back_episodes": tuple(
        {"lower_back": part}
        for part in (
            *({"history": "never"}, {"history": "current"}, {"history": "recovered"}),
            *({"history": "recovered", "episodes": count} for count in (1, 2, 3, 6)),
        )
    ),
}


def log_with_spike(spike: float, *, observed_days: int = 60, as_of: date = DAYS[0]) -> dict[str, Any]:
    """A log whose last run is so many times as long as the one three weeks before."""
    return {
        "observed_from": str(as_of - timedelta(days=observed_days)),
        "sessions": [
            {"started_on": str(as_of - timedelta(days=21)), "distance_m": 10000},
            {"started_on": str(as_of), "distance_m": 10000 * spike},
        ],
    }


@st.composite
def requests_for(draw: st.DrawFn, document: dict[str, Any], *, unknowns: bool = True) -> Request:
    """A runner of whom the features of a small rule set are known, or not, or in part."""
    request: Request = {"as_of": str(DAYS[0]), "runner": {}, "training": {}}
    for factor in document["factors"]:
        feature = factor["feature"]
        if unknowns and draw(st.integers(0, 2)) == 0:
            continue
        if feature in PLAIN_FEATURES:
            pointer, values, edges = PLAIN_FEATURES[feature]
            put(request, pointer, draw(st.sampled_from((*values, *edges))))
        elif feature == "session_spike_ratio":
            observed = draw(st.sampled_from((60, 60, 22) if unknowns else (60,)))
            request["training"] = log_with_spike(draw(st.sampled_from((0.5, *RATIOS, 0.9))), observed_days=observed)
        else:
            told = draw(st.sampled_from(PARTLY[feature]))
            for part, known in told.items():
                if unknowns or known != {"history": "recovered"}:
                    request["runner"][part] = {**(request["runner"].get(part) or {}), **known}
    return request
