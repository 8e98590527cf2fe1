"""Faults of what is said: ids with another meaning, wording, worked examples."""

from collections.abc import Callable
from typing import Any, Final

from tests.faulty.rule_set import Faulty, Json, Shown, all_of, effect, entry, put, says, source

HARD: Final = (
    "Considerable heterogeneity notwithstanding, individualised biomechanical reorganisation facilitates "
    "musculoskeletal resilience throughout progressively intensifying preparatory periodisation."
)
MORE_LANGUAGE: Final = {"en": "Sleep seven hours. This does not show that sleep is the reason.", "de": "Schlafe."}


# --- ids --------------------------------------------------------------------------------------------------------------


def _reused(path: str, change: Callable[[Json], object], shows: Callable[[Shown], bool]) -> Faulty:
    return Faulty("identity", "id-reused", path, change, shows, after=("2026.1",))


def _differs_of(factor: str, member: str, joint: str = "knee") -> Callable[[Shown], bool]:
    def shows(shown: Shown) -> bool:
        return bool(shown.line(factor, joint)[member] != shown.line(factor, joint, of="before")[member])

    return shows


IDENTITY: Final = [
    _reused(
        "/factors/{sleep_short}/feature",
        put("factors", "sleep_short", "feature", "other_sport_hours_per_week"),
        _differs_of("sleep_short", "feature"),
    ),
    _reused(
        "/factors/{life_stress}/feature",
        put("factors", "life_stress", "feature", "shoe_comfort"),
        _differs_of("life_stress", "feature"),
    ),
    _reused(
        "/factors/{shoe_rotation}/worse_when",
        all_of(
            put("factors", "shoe_rotation", "worse_when", "higher"),
            put("factors", "shoe_rotation", "bands/1", {"from": 2, "share": 0.4, **effect(1.6)}),
        ),
        _differs_of("shoe_rotation", "points_alone"),
    ),
    _reused(
        "/flags/{kn_locked}/joint",
        put("flags", "kn_locked", "joint", "lower_back"),
        lambda shown: shown.answer["joints"]["knee"]["status"] != shown.before["joints"]["knee"]["status"],
    ),
    _reused(
        "/advice/{rotate_shoes}/category",
        put("advice", "rotate_shoes", "category", "form"),
        lambda shown: (
            entry(shown.answer, "advice", "rotate_shoes")["category"]
            != entry(shown.before, "advice", "rotate_shoes")["category"]
        ),
    ),
    _reused(
        "/levels/cuts/3/id",
        all_of(
            lambda written: written["levels"]["cuts"][0].update(id="high"),
            lambda written: written["levels"]["cuts"][3].update(id="low"),
        ),
        lambda shown: {shown.answer["summary"]["level"], shown.before["summary"]["level"]} == {"low", "high"},
    ),
    _reused(
        "/sources/johnston-2020/doi",
        source("johnston-2020", doi="10.1000/other"),
        lambda shown: shown.answer["sources"]["johnston-2020"] != shown.before["sources"]["johnston-2020"],
    ),
    _reused(
        "/benefits/{bone}/sources",
        put("benefits", "bone", "sources", ["lee-2014"]),
        lambda shown: shown.answer["benefits"] != shown.before["benefits"],
    ),
]


# --- wording ----------------------------------------------------------------------------------------------------------

WORDING: Final = [
    *(
        Faulty("wording", "claim", path, put(*place, text), says(text))
        for path, place, text in (
            ("/advice/{back_walk}/text", ("advice", "back_walk", "text"), "Walking prevents back pain."),
            ("/flags/{kn_locked}/action", ("flags", "kn_locked", "action"), "This is a diagnosis. See a doctor today."),
            ("/benefits/{fitness}/text", ("benefits", "fitness", "text"), "Running cures a bad mood."),
        )
    ),
    Faulty(
        "wording",
        "claim",
        "/levels/cuts/0/headline",
        lambda written: written["levels"]["cuts"][0].update(headline="You are medically cleared to run."),
        says("You are medically cleared to run."),
    ),
    Faulty(
        "wording",
        "claim",
        "/texts/notice",
        lambda written: written["texts"].update(notice="This is not only fun, it is safe for you to run."),
        says("it is safe for you to run"),
    ),
    Faulty(
        "wording",
        "claim",
        "/factors/{sleep_short}/limits",
        put("factors", "sleep_short", "limits", "Sleep heals."),
        None,
    ),
    *(
        Faulty("wording", "hard-to-read", path, put(*place, HARD), says(HARD))
        for path, place in (
            ("/advice/{back_walk}/text", ("advice", "back_walk", "text")),
            ("/flags/{kn_locked}/text", ("flags", "kn_locked", "text")),
            ("/benefits/{fitness}/text", ("benefits", "fitness", "text")),
        )
    ),
    Faulty(
        "wording",
        "hard-to-read-together",
        "",
        all_of(
            lambda written: [flag.update(text=HARD) for flag in written["flags"]],
            lambda written: written["texts"].update(notice=HARD),
        ),
        says(HARD),
    ),
    Faulty(
        "wording", "language-unchecked", "/advice/{sleep7}/text", put("advice", "sleep7", "text", MORE_LANGUAGE), None
    ),
]


# --- examples ---------------------------------------------------------------------------------------------------------


def _example(number: int, part: str, name: str, says: Any) -> Callable[[Json], None]:
    def change(written: Json) -> None:
        written["examples"][number].setdefault(part, {})[name] = says

    return change


EXAMPLES: Final = [
    Faulty(
        "examples",
        "example-differs",
        "/examples/0/scores/knee",
        _example(0, "scores", "knee", 58),
        lambda shown: shown.answer["joints"]["knee"]["score"] == 57,
    ),
    Faulty(
        "examples",
        "example-differs",
        "/examples/4/levels/lower_back",
        _example(4, "levels", "lower_back", "high"),
        lambda shown: shown.answer["joints"]["lower_back"]["level"] == "raised",
    ),
    Faulty(
        "examples",
        "example-differs",
        "/examples/2/statuses/knee",
        _example(2, "statuses", "knee", "scored"),
        lambda shown: shown.answer["joints"]["knee"]["status"] == "not_assessed",
    ),
    Faulty(
        "examples",
        "example-differs",
        "/examples/3/points/knee/weekly_progression_unlogged",
        _example(3, "points", "knee", {"weekly_progression_unlogged": 8.36}),
        lambda shown: shown.line("weekly_progression_unlogged")["points"] == 4.18,
    ),
    Faulty(
        "examples",
        "example-differs",
        "/examples/0/advice",
        lambda written: written["examples"][0].update(advice=[]),
        lambda shown: shown.advice() != [],
    ),
]
