"""Points, expectations and groups, each sum small enough to be done by hand."""

from math import log2
from typing import Any

import pytest

from app.scoring.compiled import CompiledRuleSet
from tests.unit.requests import Json, answer, band, contributions, factor, of_factors, published, wire

HALF = band(0.5, is_="no"), band(0.5, 2, is_="yes")
"""Half of the runners have twice the risk."""


def doublings(mean_risk: float) -> float:
    """Points of a mean relative risk, to hundredths."""
    return round(25 * log2(mean_risk), 2)


def knee(rules: CompiledRuleSet, runner: Json | None = None, training: Json | None = None) -> Any:
    answered = answer(wire(runner, training), by=rules)
    told: Json = answered["joints"]["knee"]
    total = told["base"] + sum(shown["points"] for shown in told["contributions"])
    clipped = min(max(total, 0), 100)
    if told["score"] is not None:
        assert told["score"] == int(clipped + 0.5 + 1e-9)
    return {**told, "total": round(total, 2), "by": contributions(answered, "knee")}


def table(rules: CompiledRuleSet, group: int = 0) -> dict[tuple[int, ...], tuple[int, int, int]]:
    """Points, low and high of every entry of a knee group, by the masks that select it."""
    tables = rules.joints["knee"].groups[group]
    found = {}
    for index, entry in enumerate(tables.entries):
        masks = tables.masks(index)
        by_ruler = {ruler: mask for (ruler, _), mask in zip(tables.steps, masks, strict=True)}
        assert tables.index([by_ruler.get(ruler, 0) for ruler in range(len(rules.rulers))]) == index
        found[tuple(masks)] = (entry.points, entry.low, entry.high)
    return found


# --- points of a band ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "weight", "power", "expected"),
    [
        (2, 1, 1, 25),
        (4, 1, 1, 50),
        (2, 1, 3, 75),
        (0.5, 1, 1, -25),
        (1, 1, 1, 0),
        (2, 0.5, 1, 12.5),
        (1.59, 0.75, 1, 12.54),
        (1.59, 0.25, 1, 4.18),
        (0.848, 0.5, 3, -8.92),
        # half a hundredth goes to the even one
        (2, 0.0002, 1, 0),
        (2, 0.0014, 1, 0.04),
        (2, 0.001, 1, 0.02),
        (0.5, 0.001, 1, -0.02),
        (2, 0, 1, 0),
    ],
)
def test_a_band_has_25_points_for_every_doubling_of_risk(
    ratio: float, weight: float, power: int, expected: float
) -> None:
    yes = {**band(0.5, ratio, is_="yes"), "power": power}
    order = (band(0.5, is_="no", reference=True), yes) if ratio >= 1 else (yes, band(0.5, is_="no", reference=True))
    joints = {"knee": {"grade": "high", "weight": weight, "reason": "Made up."}}
    rules = of_factors(factor("it", "life_complaint", *order, worse_when="later", joints=joints))
    told = knee(rules, {"life_complaint": True})["by"]["it"]
    assert (told["points"], told["points_alone"]) == (expected, expected)


def test_every_effect_is_rounded_before_a_band_adds_them() -> None:
    alone = {"ratio": 2, "low": 1, "high": 4, "register_row": "made_up"}
    effects = [{**alone, "weights": {"knee": weight}} for weight in (0.0002, 0.0002, 0.0003)]
    yes = {"is": "yes", "share": 0.5, "effects": effects}
    rules = of_factors(factor("it", "life_complaint", band(0.5, is_="no"), yes, worse_when="later"))
    assert knee(rules, {"life_complaint": True})["by"]["it"]["points"] == 0.01


def test_an_effect_listed_and_an_effect_in_short_add_up() -> None:
    listed = {"ratio": 2, "low": 1, "high": 4, "register_row": "made_up", "weights": {"knee": 0.5}}
    yes = {**band(0.5, 2, is_="yes"), "effects": [listed]}
    rules = of_factors(factor("it", "life_complaint", band(0.5, is_="no"), yes, worse_when="later"))
    told = knee(rules, {"life_complaint": True})["by"]["it"]
    assert told["points"] == 37.5
    assert [effect["weight"] for effect in told["published"]] == [0.5, 1]


# --- the average runner ----------------------------------------------------------------------------------------------


def test_an_unknown_is_worth_the_mean_risk_and_the_base_makes_up_for_it() -> None:
    rules = of_factors(factor("it", "life_complaint", *HALF, worse_when="later"))
    unknown = doublings(1.5)
    assert unknown == 14.62
    assert knee(rules)["base"] == 50 - unknown
    assert knee(rules)["total"] == 50
    assert knee(rules)["by"]["it"]["points"] == unknown
    assert knee(rules)["by"]["it"]["status"] == "unknown"
    assert knee(rules)["by"]["it"]["points_alone"] is None
    assert knee(rules, {"life_complaint": False})["total"] == 35.38
    assert knee(rules, {"life_complaint": True})["total"] == 60.38


def test_mean_risk_over_the_reference_population_is_exactly_that_of_the_average_runner() -> None:
    rules = of_factors(
        factor("one", "life_complaint", *HALF, worse_when="later"),
        factor(
            "two", "warm_up", band(0.8, is_=["usually", "sometimes"]), band(0.2, 3, is_="never"), worse_when="later"
        ),
    )
    mean = 0.0
    for stressed, share in ((False, 0.5), (True, 0.5)):
        for warm_up, chance in (("usually", 0.8), ("never", 0.2)):
            total = knee(rules, {"life_complaint": stressed, "warm_up": warm_up})["total"]
            mean += share * chance * 2 ** ((total - 50) / 25)
    assert mean == pytest.approx(1, abs=1e-3)


def test_the_published_bases_are_those_that_were_worked_out_by_hand() -> None:
    assert published().base == {"knee": 3589, "lower_back": 2310}


def test_the_other_joint_of_a_factor_that_does_not_act_there_stands_at_50() -> None:
    answered = answer(wire(), by=of_factors(factor("it", "life_complaint", *HALF, worse_when="later")))
    back = answered["joints"]["lower_back"]
    assert (back["base"], back["contributions"], back["score"], back["score_range"]) == (50, [], 50, [50, 50])
    assert back["known_share"] == 1


# --- groups ----------------------------------------------------------------------------------------------------------


def two(**second: Any) -> CompiledRuleSet:
    """Stress doubles the risk, no warm-up makes it four times: half of the runners each, and one group."""
    fourfold = band(0.5, is_=["usually", "sometimes"]), band(0.5, 4, is_="never")
    return of_factors(
        factor("stress", "life_complaint", *HALF, worse_when="later", group="both"),
        factor("cold", "warm_up", *fourfold, worse_when="later", group="both", **second),
    )


STRESS, CALM = {"life_complaint": True}, {"life_complaint": False}
COLD, WARM = {"warm_up": "never"}, {"warm_up": "usually"}


@pytest.mark.parametrize(
    ("runner", "worth", "shown"),
    [
        ({**CALM, **WARM}, 0.0, {"stress": ("reference", 0), "cold": ("reference", 0)}),
        ({**STRESS, **WARM}, 25.0, {"stress": ("applied", 25), "cold": ("reference", 0)}),
        ({**STRESS, **COLD}, 50.0, {"stress": ("shadowed", 0), "cold": ("applied", 50)}),
        ({**CALM, **COLD}, 50.0, {"stress": ("reference", 0), "cold": ("applied", 50)}),
        # nobody knows of the one: it may still be worth more than the other
        (STRESS, doublings(3), {"stress": ("applied", 25), "cold": ("unknown", 14.62)}),
        (CALM, doublings(2.5), {"stress": ("reference", 0), "cold": ("unknown", 33.05)}),
        (WARM, doublings(1.5), {"stress": ("unknown", 14.62), "cold": ("reference", 0)}),
        (COLD, 50.0, {"stress": ("unknown", 0), "cold": ("applied", 50)}),
        # of several unknown each adds what those before it leave open
        ({}, doublings(2.75), {"stress": ("unknown", 14.62), "cold": ("unknown", 21.87)}),
    ],
)
def test_of_a_group_the_member_with_the_most_points_counts(
    runner: Json, worth: float, shown: dict[str, tuple[str, float]]
) -> None:
    told = knee(two(), runner)
    assert told["base"] == round(50 - doublings(2.75), 2)
    assert round(told["total"] - told["base"], 2) == worth
    assert {id: (by["status"], by["points"]) for id, by in told["by"].items()} == shown


def test_the_range_of_a_group_is_what_its_unknown_members_could_still_give() -> None:
    base = 50 - doublings(2.75)
    ends = {
        str(runner): knee(two(), runner)["score_range"] for runner in ({}, STRESS, CALM, WARM, COLD, {**STRESS, **COLD})
    }
    low, mid, high = round(base), round(base + 25), round(base + 50)
    assert ends == {
        str({}): [low, high],
        str(STRESS): [mid, high],
        str(CALM): [low, high],
        str(WARM): [low, mid],
        str(COLD): [high, high],
        str({**STRESS, **COLD}): [high, high],
    }


def test_of_equal_members_the_first_carries_the_points() -> None:
    same = factor("second", "life_complaint", *HALF, worse_when="later", group="both")
    rules = of_factors(factor("first", "life_complaint", *HALF, worse_when="later", group="both"), same)
    by = knee(rules, STRESS)["by"]
    assert (by["first"]["status"], by["first"]["points"]) == ("applied", 25)
    assert (by["second"]["status"], by["second"]["points"], by["second"]["points_alone"]) == ("shadowed", 0, 25)


def test_of_a_protective_group_the_member_with_the_fewest_points_counts() -> None:
    helps = band(0.5, 0.5, is_="yes"), band(0.5, is_="no", reference=True)
    more = band(0.5, 0.25, is_="usually"), band(0.5, is_=["sometimes", "never"], reference=True)
    rules = of_factors(
        factor("calm", "life_complaint", *helps, worse_when="later", group="both"),
        factor("warm", "warm_up", *more, worse_when="later", group="both"),
    )
    told = knee(rules, {"life_complaint": True, "warm_up": "usually"})
    assert (told["by"]["calm"]["status"], told["by"]["calm"]["points_alone"]) == ("shadowed", -25)
    assert (told["by"]["warm"]["status"], told["by"]["warm"]["points"]) == ("applied", -50)
    unknown = doublings(0.25 * 1 + 0.25 * 0.5 + 0.5 * 0.25)
    assert told["base"] == 50 - unknown
    assert knee(rules)["total"] == 50
    assert knee(rules, {"warm_up": "usually"})["score_range"] == [25, 25]  # base 75, less 50


def test_two_groups_add_up() -> None:
    rules = of_factors(
        factor("stress", "life_complaint", *HALF, worse_when="later"),
        factor("old", "age_years", band(0.9, from_=0), band(0.1, 2, from_=50)),
    )
    told = knee(rules, {**STRESS, "age_years": 60})
    assert round(told["total"] - told["base"], 2) == 50


# --- partial answers -------------------------------------------------------------------------------------------------

KNEE_BANDS = (
    band(0.1, 4, from_=0),
    band(0.3, 2, above=12),
    band(0.6, is_="never", reference=True),
)


@pytest.mark.parametrize(
    ("history", "worth", "low", "high"),
    [
        (None, doublings(0.1 * 4 + 0.3 * 2 + 0.6), 0, 5000),
        ({"history": "never"}, 0.0, 0, 0),
        ({"history": "recovered", "months_since": 12}, 50.0, 5000, 5000),
        ({"history": "recovered", "months_since": 13}, 25.0, 2500, 2500),
        # over, but since when? one in four of those has had it within the year
        ({"history": "recovered"}, doublings(0.25 * 4 + 0.75 * 2), 2500, 5000),
    ],
)
def test_a_partial_answer_is_worth_the_mean_of_the_bands_it_leaves(
    history: Json | None, worth: float, low: int, high: int
) -> None:
    rules = of_factors(factor("knee", "months_since_knee_problem", *KNEE_BANDS, worse_when="lower"))
    told = knee(rules, {"knee": history})
    assert round(told["total"] - told["base"], 2) == worth
    assert (low, high) in {(entry[1], entry[2]) for entry in table(rules).values()}
    span = [int((min(max(told["base"] + end / 100, 0), 100)) + 0.5) for end in (low, high)]
    assert told["score_range"] == span


def test_bands_that_nobody_stands_in_are_shared_out_evenly_where_only_they_are_left() -> None:
    bands = band(1, from_=0), band(0, 2, from_=1), band(0, 4, above=2)
    rules = of_factors(factor("back", "low_back_episodes", *bands))
    told = knee(rules, {"lower_back": {"history": "recovered"}})
    assert told["by"]["back"]["points"] == doublings(3)
    assert knee(rules)["by"]["back"]["points"] == 0  # nobody of the average stands there
    assert knee(rules)["base"] == 50
    assert knee(rules)["score_range"] == [50, 100]  # but a runner may
    assert knee(rules)["known_share"] == 0


def test_a_band_that_nobody_stands_in_still_counts_for_who_does() -> None:
    bands = band(1, from_=0), band(0, 2, above=1.3)
    rules = of_factors(factor("weeks", "week_to_week_ratio", *bands))
    assert knee(rules, {}, {"weekly_distance_m": [10_000, 14_000]})["by"]["weeks"]["points"] == 25


def test_what_does_not_apply_counts_as_the_reference_and_as_known() -> None:
    bands = band(0.7, from_=0), band(0.3, 2, above=1.1)
    rules = of_factors(factor("spike", "session_spike_ratio", *bands))
    told = knee(rules, {"running_years": 0})
    shown = told["by"]["spike"]
    assert (shown["status"], shown["points"], shown["points_alone"]) == ("not_applicable", 0, 0)
    assert (shown["band"], shown["number"], shown["choice"]) == (None, None, None)
    assert told["total"] == told["base"]
    assert told["known_share"] == 1
    assert told["score_range"][0] == told["score_range"][1] == told["score"]


def test_the_published_tables_hold_every_sum_once() -> None:
    for tables in published().joints.values():
        for group in tables.groups:
            for entry in group.entries:
                assert entry.low <= entry.points <= entry.high
                assert sum(share.points for share in entry.shares) == entry.points
                assert sum(share.status == "applied" for share in entry.shares) <= 1
