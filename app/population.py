"""The reference population: made-up runners, the same on every machine, by whom two rule sets are compared.

`REFERENCE_SIZE` runners of whom everything is known stand for the average of which the score speaks: every band that
2026.1 scores holds as many of them as its share says, and bands are independent of each other, as the shares have it.
`EDGE_SIZE` more stand around them: runners whom the rules do not score, or of whom little is known. Nobody is real.

The generator is SHA-256 and whole numbers, nothing else: runner `i` gets for each trait the digest of
`reference-1:trait:i`. The runners in the order of their digests fill the bands by share, so no band is over or under by
more than one; where in a band a runner stands is the remainder of eight other bytes of it. A change that alters any
runner gets a new `POPULATION_ID`.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from itertools import accumulate
from typing import Any, Final, NamedTuple

POPULATION_ID: Final = "reference-1"
REFERENCE_SIZE: Final = 10_000
EDGE_SIZE: Final = 1_000
AS_OF: Final = date(2026, 11, 23)

ASSUMED: Final = "assumed"
SURVEY: Final = "survey of 800 marathon and half-marathon runners (Wu 2021)"


class Trait(NamedTuple):
    """How common something is among runners.

    Attributes:
        bands: thousandths of the runners, in a settled order; they add up to 1000.
        source: where the shares come from, `assumed` for a declared guess.
    """

    bands: tuple[int, ...]
    source: str


TRAITS: Final[dict[str, Trait]] = {
    # As 2026.1 has them, band by band, the reference first; a test holds the two together.
    "session_spike": Trait((700, 250, 50), ASSUMED),
    "previous_running_injury": Trait((650, 230, 120), ASSUMED),
    "previous_knee_problem": Trait((660, 200, 140), ASSUMED),
    "low_back_history": Trait((550, 300, 150), ASSUMED),
    "knee_pain": Trait((860, 100, 40), ASSUMED),
    "lower_back_pain": Trait((890, 80, 30), ASSUMED),
    "long_event": Trait((850, 150), ASSUMED),
    "sleep_short": Trait((650, 350), ASSUMED),
    "life_stress": Trait((800, 200), ASSUMED),
    "bmi_back": Trait((620, 300, 80), ASSUMED),
    "shoe_rotation": Trait((600, 400), ASSUMED),
    "firm_shoe_light_runner": Trait((940, 60), ASSUMED),
    "motion_control_pronated": Trait((960, 40), ASSUMED),
    "supervised_hip_core": Trait((970, 30), ASSUMED),
    "exercise_programme_back": Trait((700, 300), ASSUMED),
    "other_sport": Trait((400, 200, 200, 200), ASSUMED),
    "core_strength": Trait((824, 176), SURVEY),
    "posture": Trait((867, 133), SURVEY),
    "warm_up": Trait((836, 164), SURVEY),
    # Past the first year; in it; and in it with a week over 30 % longer, which is the share of 2026.1.
    "experience": Trait((850, 100, 50), ASSUMED),
    # Male, female, other. Between the cohorts of the evidence register: 22 % women (row session_spike_small) and 46 %
    # (row acwr_new_york).
    "sex": Trait((590, 400, 10), ASSUMED),
    # 18, 30, 40, 50, 60, 65 to 75 years; the mean lies between 41 (acwr_new_york) and 45.8 years (session_spike_small).
    "age": Trait((150, 230, 280, 220, 70, 50), ASSUMED),
    # Feet as assessed: neutral, pronated, supinated.
    "foot_posture": Trait((760, 200, 40), ASSUMED),
}
_AGES: Final = ((18, 29), (30, 39), (40, 49), (50, 59), (60, 64), (65, 75))
_SEXES: Final = ("male", "female", "other")
_HEIGHTS_MM: Final = ((1650, 1950), (1550, 1800), (1600, 1900))
_BMI_HUNDREDTHS: Final = ((1850, 2490), (2500, 2990), (3000, 3600))
_LIGHT_HECTOGRAMS: Final = {"male": 782, "female": 628}
_SPIKE_PER_MILLE: Final = ((700, 1100), (1101, 2000), (2001, 2600))
_EPISODES: Final = ((0, 0), (1, 2), (3, 8))
_PAIN: Final = ((0, 0), (1, 3), (4, 5))
_FEET: Final = ("neutral", "pronated", "supinated")
_STRONG: Final = ("strong", "average")
_LONG_EVENTS: Final = ("marathon", "ultra")
_SHORT_EVENTS: Final = ("none", "5k", "10k", "half_marathon")
_WEEKS_BEFORE: Final = 5

Request = dict[str, Any]


def reference_population() -> Iterator[Request]:
    """Every runner of the population as a request, the reference first, then the edges; always in the same order."""
    for number in range(REFERENCE_SIZE):
        yield _write_runner(number)
    for number in range(EDGE_SIZE):
        yield _write_edge(number)


def _digest(trait: str, number: int) -> bytes:
    return sha256(f"{POPULATION_ID}:{trait}:{number}".encode()).digest()


@cache
def _bands_of(trait: str) -> bytes:
    """The band of every reference runner for a trait."""
    order = sorted(range(REFERENCE_SIZE), key=lambda number: _digest(trait, number))
    return _fill(order, [REFERENCE_SIZE * end // 1000 for end in accumulate(TRAITS[trait].bands)])


def _fill(order: Sequence[int], ends: Sequence[int]) -> bytes:
    bands = bytearray(REFERENCE_SIZE)
    start = 0
    for band, end in enumerate(ends):
        for place in order[start:end]:
            bands[place] = band
        start = end
    return bytes(bands)


def _band(trait: str, number: int) -> int:
    return _bands_of(trait)[number]


def _between(trait: str, number: int, ends: tuple[int, int]) -> int:
    """A whole number from the first end to the last, both included."""
    low, high = ends
    return low + int.from_bytes(_digest(trait, number)[8:16], "big") % (high - low + 1)


def _one_of(trait: str, number: int, choices: Sequence[str]) -> str:
    return choices[_between(trait, number, (0, len(choices) - 1))]


class _Body(NamedTuple):
    sex: str
    height_mm: int
    mass_hectograms: int

    @property
    def is_light(self) -> bool:
        return self.mass_hectograms < _LIGHT_HECTOGRAMS.get(self.sex, 0)


def _body(number: int) -> _Body:
    sex = _band("sex", number)
    height_mm = _between("height", number, _HEIGHTS_MM[sex])
    hundredths = _between("bmi_back", number, _BMI_HUNDREDTHS[_band("bmi_back", number)])
    # Rounded up, so that a body mass index on a cut does not fall below it.
    return _Body(_SEXES[sex], height_mm, -(-hundredths * height_mm**2 // 10_000_000))


@cache
def _in_firm_shoes() -> frozenset[int]:
    """The light runners in firm shoes: the share is of all runners, and only light ones can be among them."""
    light = [number for number in range(REFERENCE_SIZE) if _body(number).is_light]
    light.sort(key=lambda number: _digest("firm_shoe_light_runner", number))
    return frozenset(light[: REFERENCE_SIZE * TRAITS["firm_shoe_light_runner"].bands[1] // 1000])


def _write_runner(number: int) -> Request:
    """One runner of the reference population."""
    body = _body(number)
    runner: dict[str, Any] = {
        "age_years": _between("age", number, _AGES[_band("age", number)]),
        "sex": body.sex,
        "height_m": body.height_mm / 1000,
        "mass_kg": body.mass_hectograms / 10,
        "running_years": _running_years(number),
        "goal_event": _one_of("long_event", number, (_SHORT_EVENTS, _LONG_EVENTS)[_band("long_event", number)]),
        "knee": {**_knee_history(number), **_at_present("knee", number)},
        "lower_back": {**_back_history(number), **_at_present("lower_back", number)},
        "other_injury": _injury_elsewhere(number),
        "symptoms": [],
        "core_strength": _one_of("core_strength", number, (_STRONG, ("weak",))[_band("core_strength", number)]),
        "posture": _one_of("posture", number, (("good", "fair"), ("poor",))[_band("posture", number)]),
        **_shoes(number),
        "strength_training": _strength(number),
        "warm_up": _one_of("warm_up", number, (("usually",), ("never", "sometimes"))[_band("warm_up", number)]),
        "sleep_hours": _between("sleep_short", number, ((70, 90), (50, 69))[_band("sleep_short", number)]) / 10,
        "other_sport_hours_per_week": _other_sport(number),
        "life_complaint": bool(_band("life_stress", number)),
        "pregnancy": "none",
    }
    return {"as_of": str(AS_OF), "runner": runner, "training": _training(number)}


def _running_years(number: int) -> float:
    if _band("experience", number):
        return _between("experience", number, (1, 9)) / 10
    return _between("experience", number, (1, 25))


def _knee_history(number: int) -> dict[str, Any]:
    band = _band("previous_knee_problem", number)
    if not band:
        return {"history": "never"}
    months = ((13, 120), (0, 12))[band - 1]
    return {"history": "recovered", "months_since": _between("previous_knee_problem", number, months)}


def _back_history(number: int) -> dict[str, Any]:
    episodes = _between("low_back_history", number, _EPISODES[_band("low_back_history", number)])
    if not episodes:
        return {"history": "never"}
    return {
        "history": "recovered",
        "episodes": episodes,
        "months_since": _between("low_back_months", number, (1, 60)),
    }


def _at_present(joint: str, number: int) -> dict[str, Any]:
    trait = f"{joint}_pain"
    return {
        "pain_now": _between(trait, number, _PAIN[_band(trait, number)]),
        "pain_at_rest": False,
        "surgery": "none",
        "symptoms": [],
    }


def _injury_elsewhere(number: int) -> dict[str, Any]:
    band = _band("previous_running_injury", number)
    if not band:
        return {"history": "never"}
    months = ((4, 12), (0, 3))[band - 1]
    return {"history": "recovered", "months_since": _between("previous_running_injury", number, months)}


def _shoes(number: int) -> dict[str, Any]:
    foot = _FEET[_band("foot_posture", number)]
    support = _one_of("support", number, ("neutral", "neutral", "stability", "minimalist"))
    if _band("motion_control_pronated", number):
        foot, support = "pronated", "motion_control"
    shoes = {
        "pairs": _between("shoe_rotation", number, ((1, 1), (2, 4))[_band("shoe_rotation", number)]),
        "cushioning": "firm" if number in _in_firm_shoes() else _one_of("cushioning", number, ("soft", "medium")),
        "support": support,
        "distance_m": 1000 * _between("shoe_distance", number, (20, 900)),
        "comfortable": True,
    }
    return {"foot_posture": foot, "shoes": shoes}


def _strength(number: int) -> dict[str, Any]:
    is_guided = bool(_band("supervised_hip_core", number))
    sessions = _between("exercise", number, (2, 4) if _band("exercise_programme_back", number) else (int(is_guided), 1))
    focus = "hip_core" if is_guided else _one_of("strength_focus", number, ("general", "general", "hip_core"))
    return {"sessions_per_week": sessions, "supervised": is_guided, "focus": focus}


def _other_sport(number: int) -> float:
    band = _band("other_sport", number)
    return _between("other_sport", number, (30, 80) if band == 3 else (10 * band, 10 * band + 9)) / 10


def _training(number: int) -> dict[str, Any]:
    """A log of six weeks: five alike, and a last one whose long run and whose total stand where they should."""
    experience = _band("experience", number)
    longest_km = _between("longest_run", number, (3, 8) if experience else (6, 20))
    per_mille = _between("session_spike", number, _SPIKE_PER_MILLE[_band("session_spike", number)])
    pace_s = _between("pace", number, (290, 420))
    # Tenths of the usual longest run on the other days, by how many days ago; a usual week is 23 tenths.
    usual = {4: 6, 6: 7}
    others = usual
    if experience == 2:
        others = {4: 9, 5: 9, 6: 9}
    elif experience == 1 and per_mille > 1600:
        others = {5: 3}
    runs = [(2, longest_km * per_mille), *((age, longest_km * 100 * tenths) for age, tenths in others.items())]
    for week in range(1, _WEEKS_BEFORE + 1):
        runs += [(7 * week + 2, longest_km * 1000)]
        runs += [(7 * week + age, longest_km * 100 * tenths) for age, tenths in usual.items()]
    sessions = [
        {"started_on": _days_ago(age), "distance_m": metres, "duration_s": metres * pace_s // 1000}
        for age, metres in sorted(runs, reverse=True)
    ]
    return {"sessions": sessions, "observed_from": _days_ago(7 * (_WEEKS_BEFORE + 1) - 1)}


def _days_ago(age: int) -> str:
    return str(AS_OF - timedelta(days=age))


# --- the edges -------------------------------------------------------------------------------------------------------

EDGES: Final = (
    "under 18",
    "pregnant or shortly after birth",
    "strong knee pain",
    "strong back pain",
    "pain at rest",
    "operated on and not cleared",
    "nothing known but a training log and an age",
    "nothing known but weekly distances and the years of running",
    "no training known",
    "nothing known but pain",
)
"""As many runners of each, in turn; all `assumed`, because nobody counted them."""


def _write_edge(number: int) -> Request:
    """A runner around the reference population: one of it, of whom something else is told, or less."""
    kind = EDGES[number % len(EDGES)]
    turn = number // len(EDGES)
    request = _write_runner(turn * len(EDGES) + number % len(EDGES))
    runner, training = request["runner"], request["training"]
    match kind:
        case "under 18":
            runner["age_years"] = 12 + turn % 6
        case "pregnant or shortly after birth":
            runner |= {"sex": "female", "pregnancy": ("pregnant", "postpartum")[turn % 2]}
        case "strong knee pain":
            runner["knee"]["pain_now"] = 6 + turn % 5
        case "strong back pain":
            runner["lower_back"]["pain_now"] = 6 + turn % 5
        case "pain at rest":
            runner[("knee", "lower_back")[turn % 2]]["pain_at_rest"] = True
        case "operated on and not cleared":
            runner["knee"] |= {"surgery": "meniscus", "surgery_months_since": turn % 12, "cleared_to_run": False}
        case "nothing known but a training log and an age":
            request["runner"] = {name: runner[name] for name in ("age_years", "sex", "running_years")}
        case "nothing known but weekly distances and the years of running":
            weeks = [1000 * (10 + turn % 20) for _ in range(3)]
            request["runner"] = {"running_years": runner["running_years"]}
            request["training"] = {"weekly_distance_m": [*weeks, weeks[0] * (8 + turn % 8) // 10]}
        case "no training known":
            training.clear()
        case _:
            request["runner"] = {joint: {"pain_now": runner[joint]["pain_now"]} for joint in ("knee", "lower_back")}
            training.clear()
    return request
