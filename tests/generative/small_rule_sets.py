"""Small rule sets for Hypothesis, of known features with made-up effects, and runners whom they speak of."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from hypothesis import strategies as st

from tests.generative.strategies import DAYS, RATIOS, Request, log_with_spike, put
from tests.oracle.scores import JOINTS

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


EDGE_KINDS: Final = ("from", "above")


class Dice:
    """Choices read off bytes: one draw for a whole document costs far less than one for each of its members."""

    def __init__(self, drawn: bytes) -> None:
        self._left = iter(drawn)

    def roll(self, sides: int) -> int:
        """A number below `sides`; 0 when the bytes are used up."""
        return next(self._left, 0) % sides

    def pick(self, options: Sequence[Any]) -> Any:
        """One of some."""
        return options[self.roll(len(options))]

    def some(self, options: Sequence[Any]) -> list[Any]:
        """One to three of at most seven, in their order."""
        chosen = 1 + self.roll(2 ** len(options) - 1)
        return [option for place, option in enumerate(options) if chosen >> place & 1][:3]


def numbered_bands(edges: list[tuple[str, float]]) -> list[dict[str, Any]]:
    """Bands of a number: from the least, then from each edge on."""
    return [{"from": 0}, *({kind: edge} for kind, edge in edges)]


def bands_of(feature: str, dice: Dice) -> list[dict[str, Any]]:
    """Two to four bands of a feature, without shares or effects."""
    _, values, edges = PLAIN_FEATURES.get(feature, ("", (), EDGES.get(feature, ())))
    if edges:
        return numbered_bands([(dice.pick(EDGE_KINDS), edge) for edge in dice.some(edges)])
    if values:
        names = [CHOICES_ON_WIRE.get(value, value) if isinstance(value, bool) else value for value in values]
        ends = [0, *dice.some(range(1, len(names))), len(names)]
        return [{"is": names[start:end]} for start, end in pairwise(ends)]
    bands = numbered_bands([(dice.pick(EDGE_KINDS), months) for months in dice.some((3, 12))])
    return [*bands, {"is": "never"}] if dice.roll(2) else [*bands[:-1], {**bands[-1], "is": "never"}]


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


def factor_of(name: str, feature: str, group: str, dice: Dice, *, protective: bool) -> dict[str, Any]:
    """A factor whose ratios grow the worse its band is, or shrink the better it is."""
    bands = bands_of(feature, dice)
    way = worse_when(feature)
    # The reference band first, and each next one moves the score further away from it.
    outwards = bands[::-1] if (way == "lower") != protective else bands[:]
    ratio_percent = 100
    # At most one band is without a share, so that any two bands left possible have some between them.
    least_share = 0
    for band in outwards[1:]:
        ratio_percent += 5 + dice.roll(86)
        ratio = 100 / ratio_percent if protective else ratio_percent / 100
        band |= {"ratio": round(ratio, 4), "low": round(ratio / 2, 4), "high": round(ratio * 2, 4)}
        band |= {"register_row": "none", "share": max(least_share, dice.roll(11) * 25) / 1000}
        least_share = 1 if band["share"] == 0 else least_share
    match dice.roll(4):
        case 1:
            outwards[-1]["power"] = 2
        case 2:
            more = {"ratio": 0.9, "low": 0.8, "high": 1.0} if protective else {"ratio": 1.1, "low": 1.0, "high": 1.3}
            outwards[-1]["effects"] = [{**more, "register_row": "none"}]
        case _:
            pass
    rest = 1000 - sum(round(band["share"] * 1000) for band in outwards[1:])
    outwards[0] |= {"reference": True, "share": rest / 1000}
    own = {}
    for acted_on in dice.pick((("knee",), ("lower_back",), JOINTS)):
        grade = dice.pick(tuple(GRADES))
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


def documents(*, features: tuple[str, ...] = (*PLAIN_FEATURES, *PARTLY_KNOWN)) -> st.SearchStrategy[dict[str, Any]]:
    """A rule set of two to four factors in one or two groups, each joint with at least one."""

    def unpacked(drawn: bytes) -> dict[str, Any]:
        dice = Dice(drawn)
        protective = {group: dice.roll(2) == 1 for group in ("first", "second")}
        # Features are taken out of the list as they are used: none is read by two factors.
        left, made = list(features), []
        for place in range(2 + dice.roll(3)):
            group = dice.pick(tuple(protective))
            feature = left.pop(dice.roll(len(left)))
            made.append(factor_of(f"factor_{place}", feature, group, dice, protective=protective[group]))
        for acted_on in JOINTS:
            if not any(acted_on in factor["joints"] for factor in made):
                made[0]["joints"][acted_on] = {"grade": "low", "weight": 0.5}
        return {"factors": made, **REST_OF_DOCUMENT}

    return st.binary(min_size=60, max_size=60).map(unpacked)


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


def requests_for(document: dict[str, Any]) -> st.SearchStrategy[Request]:
    """A runner of whom the features of a small rule set are known, or not, or in part."""

    def unpacked(drawn: bytes) -> Request:
        dice = Dice(drawn)
        request: Request = {"as_of": str(DAYS[0]), "runner": {}, "training": {}}
        for factor in document["factors"]:
            feature = factor["feature"]
            if dice.roll(3) == 0:
                continue
            if feature in PLAIN_FEATURES:
                pointer, values, edges = PLAIN_FEATURES[feature]
                put(request, pointer, dice.pick((*values, *edges)))
            elif feature == "session_spike_ratio":
                ratio, observed_days = dice.pick((*RATIOS, 0.9)), dice.pick((60, 60, 22))
                request["training"] = log_with_spike(ratio, observed_days=observed_days)
            else:
                for part, known in dice.pick(PARTLY[feature]).items():
                    request["runner"][part] = {**(request["runner"].get(part) or {}), **known}
        return request

    return st.binary(min_size=16, max_size=16).map(unpacked)
