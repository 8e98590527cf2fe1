"""Who reaches what: the search is wide, an author's own example counts beside it, and what is called dead is dead."""

import pytest

from app.rule_sets.checks import CHECKS
from app.rule_sets.checks.draft import Draft
from app.scoring.rule_set import RuleSetDocument
from tests.faulty.rule_set import entry, put, shipped
from tests.unit.requests import Json

# A week that no made-up log happens to be: two runs, 41 km, the last one three days ago, after a week of about 30 km.
RARE_WEEK = [
    {"feature": "weekly_running_days", "from": 2, "to": 2},
    {"feature": "weekly_distance_m", "from": 41_000, "to": 41_500},
    {"feature": "days_since_run", "from": 3, "to": 3},
    {"feature": "week_to_week_ratio", "from": 1.36, "to": 1.37},
]
RUNNER = {
    "as_of": "2026-11-23",
    "runner": {"age_years": 40},
    "training": {
        "observed_from": "2026-09-01",
        "sessions": [
            {"started_on": "2026-11-14", "distance_m": 30_000},
            {"started_on": "2026-11-18", "distance_m": 20_000},
            {"started_on": "2026-11-20", "distance_m": 21_000},
        ],
    },
}


def draft(written: Json) -> Draft:
    return Draft(RuleSetDocument.model_validate(written))


def codes(written: Json) -> list[str]:
    return [found.code for found in CHECKS["dead-parts"].findings(draft(written))]


def test_a_rare_runner_whom_the_search_misses_is_shown_by_a_worked_example() -> None:
    written = shipped()
    entry(written, "advice", "do_not_chase_10pct")["when"] = [{"all": RARE_WEEK}]
    assert codes(written) == ["dead-advice"]

    written["examples"].append({"title": "A rare week", "request": RUNNER})

    assert codes(written) == []


def test_every_part_of_the_published_rules_has_a_runner_who_meets_it() -> None:
    made = draft(shipped())
    reach, document = made.reach, made.document

    assert reach.levels.keys() == reach.headlines.keys() == {cut.id for cut in document.levels.cuts}
    assert None not in [reach.advice(number) for number in range(len(document.advice))]
    assert None not in [reach.flag(number) for number in range(len(document.flags))]
    assert None not in [reach.benefit(number) for number in range(len(document.benefits))]


@pytest.mark.parametrize(
    "path", ["/levels/cuts/2/headline", "/sources/mitchell-2025/doi", "/texts/notice", "/rates/sources"]
)
def test_parts_without_a_number_have_a_runner_too(path: str) -> None:
    assert draft(shipped()).shown_by(path) is not None


def test_a_level_is_dead_only_if_no_sum_of_points_comes_to_it() -> None:
    written = shipped()
    written["levels"]["cuts"][3]["from"] = 100
    assert codes(written) == []

    written["factors"] = [factor for factor in written["factors"] if factor["id"] in ("bmi_back", "sleep_short")]
    written.update(advice=[], flags=[], benefits=[], examples=[])

    # Sleep and body mass alone move nobody out of 35 to 59.
    assert codes(written) == ["dead-level"] * 3
    assert [draft(written).reach.attains(cut["id"]) for cut in written["levels"]["cuts"]] == [False, True, False, False]


def test_a_stand_in_of_which_nobody_is_in_the_population_may_carry_points() -> None:
    # Who sends single runs is not asked for the weekly signal, so nobody of the population stands in its upper band.
    assert codes(shipped()) == []

    written = shipped()
    put("factors", "weekly_progression_unlogged", "feature", "week_to_week_ratio")(written)
    assert codes(written) == ["empty-band"]
