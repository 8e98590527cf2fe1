"""Score, range, risk, interval, rate and level: what is printed of a joint, and when nothing is."""

from typing import Any

import pytest

from app.scoring.compiled import CompiledRuleSet
from tests.unit.requests import (
    Json,
    answer,
    band,
    contributions,
    factor,
    log,
    of_factors,
    points,
    published,
    rules,
    run,
    statuses,
    wire,
)

STRESS = {"life_complaint": True}


def stress(ratio: float, weight: float = 1, **effect: Any) -> CompiledRuleSet:
    """Nobody of the average has this complaint, so the base is 50 and the score is 50 and its points."""
    yes, no = {**band(0, ratio, is_="yes"), **effect}, band(1, is_="no", reference=True)
    joints = {"knee": {"grade": "high", "weight": weight, "reason": "Made up."}}
    order = (no, yes) if ratio >= 1 else (yes, no)
    return of_factors(factor("stress", "life_complaint", *order, worse_when="later", joints=joints))


def knee(by: CompiledRuleSet, runner: Json | None = None, training: Json | None = None) -> Json:
    told: Json = answer(wire(runner, training), by=by)["joints"]["knee"]
    return told


# --- score and level -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "weight", "score", "level"),
    [
        (2, 0, 50, "typical"),
        (2, 0.3796, 59, "typical"),  # 59.49
        (2, 0.38, 60, "raised"),  # 59.50
        (2, 1, 75, "raised"),
        (4, 0.5898, 79, "raised"),  # 79.49
        (4, 0.59, 80, "high"),
        (4, 1, 100, "high"),
        (16, 1, 100, "high"),
        (0.5, 0.6204, 34, "low"),  # 34.49
        (0.5, 0.62, 35, "typical"),
        (0.25, 1, 0, "low"),
        (0.0625, 1, 0, "low"),
    ],
)
def test_a_score_is_clipped_and_rounded_half_up_and_its_level_read_off_it(
    ratio: float, weight: float, score: int, level: str
) -> None:
    told = knee(stress(ratio, weight), STRESS)
    assert (told["status"], told["score"], told["level"]) == ("scored", score, level)
    assert told["score_range"] == [score, score]
    assert told["level_certain"] is True


@pytest.mark.parametrize(
    ("ratio", "span", "certain"),
    [
        (2, [50, 75], False),
        (1.2, [50, 57], True),
        (0.5, [25, 50], False),
        (0.7, [37, 50], True),
        (16, [50, 100], False),
    ],
)
def test_a_level_is_certain_when_both_ends_of_the_range_have_it(ratio: float, span: list[int], certain: bool) -> None:
    told = knee(stress(ratio))
    assert (told["score_range"], told["level_certain"]) == (span, certain)


def test_contributions_add_up_to_the_score_before_it_is_clipped() -> None:
    told = knee(stress(16), STRESS)
    assert told["base"] + sum(shown["points"] for shown in told["contributions"]) == 150


# --- risk ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "estimate"),
    [(2, 2), (4, 4), (16, 4), (1.59, 1.59), (1, 1), (0.5, 0.5), (0.25, 0.25), (0.0625, 0.25)],
)
def test_relative_risk_is_read_off_the_clipped_score(ratio: float, estimate: float) -> None:
    assert knee(stress(ratio), STRESS)["relative_risk"]["estimate"] == estimate


@pytest.mark.parametrize(
    ("weight", "effect", "low", "high"),
    [
        (1, {"low": 1, "high": 4}, 1, 4),
        (1, {"low": 0.5, "high": 8}, 0.5, 8),
        (0.5, {"low": 0.5, "high": 8}, 0.71, 2.83),  # half the weight, half the doublings
        (1, {"low": 2, "high": 2}, 2, 2),
    ],
)
def test_the_interval_of_one_factor_is_its_published_one_scaled_by_its_weight(
    weight: float, effect: Json, low: float, high: float
) -> None:
    told = knee(stress(2, weight, **effect), STRESS)["relative_risk"]
    assert (told["low"], told["high"]) == (low, high)


def test_the_interval_of_a_power_is_that_many_times_as_wide() -> None:
    told = knee(stress(1.2, 1, low=1.1, high=1.309090909, power=2), STRESS)["relative_risk"]
    assert told == {"estimate": 1.44, "low": 1.21, "high": 1.71}


def test_intervals_add_in_quadrature_over_the_factors_that_count() -> None:
    def one(id: str, feature: str, calm: str, yes: str, low: float, high: float) -> Json:
        raised = {**band(0, 2, is_=yes), "low": low, "high": high}
        return factor(id, feature, band(1, is_=calm), raised, worse_when="later")

    by = of_factors(
        one("stress", "life_complaint", "no", "yes", 2 / 2**1.5, 2 * 2**1.5),
        one("hurt", "knee_pain_at_rest", "no", "yes", 2 / 2**2, 2 * 2**2),
    )
    hurt = {"knee": {"pain_at_rest": True}}
    assert knee(by, STRESS)["relative_risk"] == {"estimate": 2, "low": 0.71, "high": 5.66}  # 1.5 doublings
    assert knee(by, hurt)["relative_risk"] == {"estimate": 2, "low": 0.5, "high": 8}  # 2 doublings
    assert knee(by, {**STRESS, **hurt})["relative_risk"] == {"estimate": 4, "low": 0.71, "high": 22.63}  # 2.5


def test_the_two_effects_of_a_band_add_in_quadrature_too() -> None:
    wide = {"ratio": 2, "low": 2 / 2**1.5, "high": 2 * 2**1.5, "register_row": "made_up"}
    wider = {"ratio": 2, "low": 2 / 2**2, "high": 2 * 2**2, "register_row": "made_up"}
    yes = {"is": "yes", "share": 0, "effects": [wide, wider]}
    by = of_factors(factor("stress", "life_complaint", band(1, is_="no"), yes, worse_when="later"))
    assert knee(by, STRESS)["relative_risk"] == {"estimate": 4, "low": 0.71, "high": 22.63}


def test_what_is_unknown_or_shadowed_does_not_widen_the_interval() -> None:
    weaker = {**band(0, 1.5, is_="never"), "low": 0.1, "high": 20}
    by = of_factors(
        factor("stress", "life_complaint", band(1, is_="no"), band(0, 2, is_="yes"), worse_when="later", group="both"),
        factor("cold", "warm_up", band(1, is_=["usually", "sometimes"]), weaker, worse_when="later", group="both"),
    )
    alone = {"estimate": 2, "low": 1, "high": 4}
    assert knee(by, STRESS)["relative_risk"] == alone
    assert knee(by, {**STRESS, "warm_up": "never"})["relative_risk"] == alone
    assert knee(by)["relative_risk"] == {"estimate": 1, "low": 1, "high": 1}


# --- rate ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("years", "ratio", "rate", "compared_with"),
    [
        (0.5, 1, {"average": 5, "low": 2, "high": 6}, "runners in their first year"),
        (0.9994, 1, {"average": 5, "low": 2, "high": 6}, "runners in their first year"),
        (0.9996, 1, {"average": 2.2, "low": 1, "high": 3}, "experienced runners"),
        (1, 1, {"average": 2.2, "low": 1, "high": 3}, "experienced runners"),
        (20, 2, {"average": 2.2, "low": 2, "high": 6}, "experienced runners"),
        (20, 0.5, {"average": 2.2, "low": 0.6, "high": 2}, "experienced runners"),
        # unknown: the others' average, and the spread over both groups
        (None, 1, {"average": 2.2, "low": 1, "high": 6}, "runners in general"),
    ],
)
def test_the_rate_is_that_of_the_group_the_runner_is_compared_with(
    years: Any, ratio: float, rate: Json, compared_with: str
) -> None:
    answered = answer(wire({**STRESS, "running_years": years}), by=stress(ratio))
    assert answered["joints"]["knee"]["rate_per_1000_h"] == rate
    assert answered["summary"]["compared_with"] == compared_with


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.94, 0.96, [0.9, 1]),
        (0.999, 1.49, [1, 1]),
        (0.042, 0.05, [0.04, 0.05]),
        (1.5, 2.5, [2, 2]),
        (3.5, 9.6, [4, 10]),
    ],
)
def test_a_rate_is_printed_without_false_precision(low: float, high: float, shown: list[float]) -> None:
    def change(written: Json) -> None:
        written["rates"]["experienced"]["joints"]["lower_back"] = {"average": low, "low": low, "high": high}
        written["factors"] = [factor("stress", "life_complaint", band(1, is_="no"), band(0, 2, is_="yes"))]
        written.update(advice=[], flags=[], benefits=[])

    told = answer(wire({"running_years": 3}), by=rules(change))["joints"]["lower_back"]["rate_per_1000_h"]
    assert [told["low"], told["high"]] == shown


# --- how much is known -----------------------------------------------------------------------------------------------


def test_of_nothing_known_the_range_is_told_and_no_score() -> None:
    answered = answer(wire())
    assert statuses(answered) == ("not_assessed", "not_assessed")
    for told, base in ((answered["joints"]["knee"], 35.89), (answered["joints"]["lower_back"], 23.1)):
        assert told["base"] == base
        assert told["known_share"] == 0
        assert round(base + sum(shown["points"] for shown in told["contributions"]), 2) == 50
        nulls = ("score", "level", "level_certain", "relative_risk", "rate_per_1000_h")
        assert [told[name] for name in nulls] == [None] * 5
    assert [answered["joints"][joint]["score_range"] for joint in ("knee", "lower_back")] == [[1, 100], [11, 100]]
    assert answered["summary"]["headline"] == "No score can be given from what is known so far."
    assert [answered["summary"][name] for name in ("score", "level", "joint")] == [None, None, None]


@pytest.mark.parametrize(
    ("floor", "status"), [(0.25, "scored"), (0.5, "scored"), (0.5000000001, "not_assessed"), (0.99, "not_assessed")]
)
def test_the_floor_of_what_must_be_known_is_exact(floor: float, status: str) -> None:
    def change(written: Json) -> None:
        written["factors"] = [
            factor("stress", "life_complaint", band(1, is_="no"), band(0, 2, is_="yes"), worse_when="later"),
            factor("hurt", "knee_pain_at_rest", band(1, is_="no"), band(0, 2, is_="yes"), worse_when="later"),
        ]
        written.update(advice=[], flags=[], benefits=[])
        written["levels"]["known_share_floor"] = floor

    told = knee(rules(change), {"life_complaint": False})
    assert (told["status"], told["known_share"]) == (status, 0.5)


def test_the_known_share_is_what_of_the_span_is_settled() -> None:
    log_alone = log(run(3, 15_000), run(15, 10_000))
    answered = answer(wire({"running_years": 3}, log_alone))
    assert statuses(answered) == ("scored", "not_assessed")
    assert answered["joints"]["knee"]["known_share"] == 0.2  # 22.29 of 114.26 points
    assert answered["joints"]["lower_back"]["known_share"] == 0.08  # 7.43 of 89.43


# --- how good the evidence is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runner", "share"),
    [
        ({}, 0),
        ({"core_strength": "weak"}, 1),
        ({"core_strength": "strong"}, 0),
        ({"sleep_hours": 6}, 0.33),  # knee 7.43 at low, back 3.72 at very low
        ({"shoes": {"pairs": 2}}, 0.33),  # points that are taken away count alike
        # a suspended joint is left out
        ({"sleep_hours": 6, "knee": {"pain_now": 7}}, 1),
        ({"sleep_hours": 6, "lower_back": {"pain_now": 7}}, 0),
    ],
)
def test_the_share_of_points_that_rests_on_weak_evidence_is_told(runner: Json, share: float) -> None:
    assert answer(wire(runner))["weak_evidence_share"] == share


def test_the_least_evidence_leaves_out_what_is_weaker_and_starts_from_another_base() -> None:
    runner = {"core_strength": "weak", "sleep_hours": 6, "knee": {"history": "never"}, "shoes": {"pairs": 2}}
    request = wire({**runner, "lower_back": {"history": "recovered", "episodes": 1}})
    anything, low, moderate = (answer(request, by=published(least)) for least in (None, "low", "moderate"))
    assert points(anything, "lower_back")["core_strength"] == 9.32
    assert contributions(low, "lower_back")["core_strength"] == {
        **contributions(anything, "lower_back")["core_strength"], "status": "excluded", "points": 0,
    }  # fmt: skip
    assert points(low, "knee")["sleep_short"] == 7.43
    assert contributions(moderate, "knee")["sleep_short"]["status"] == "excluded"
    assert "sleep_short" not in points(low, "lower_back")
    assert low["weak_evidence_share"] == 0
    bases = [[told["joints"][joint]["base"] for joint in ("knee", "lower_back")] for told in (anything, low, moderate)]
    assert bases[0] == [35.89, 23.1]
    assert bases[0] != bases[1] != bases[2]
    assert [told["receipt"]["min_evidence"] for told in (anything, low, moderate)] == [None, "low", "moderate"]


@pytest.mark.parametrize("least", ["low", "moderate"])
def test_without_the_weaker_evidence_nothing_known_is_still_50(least: Any) -> None:
    answered = answer(wire(), by=published(least))
    for told in answered["joints"].values():
        assert round(told["base"] + sum(shown["points"] for shown in told["contributions"]), 2) == 50


def test_what_carries_no_evidence_is_shown_and_weighs_nothing() -> None:
    request = wire({}, {"weekly_distance_m": [8_000, 10_000, 10_000, 12_000, 15_000]})
    shown = contributions(answer(request), "knee")["acwr"]
    assert (shown["status"], shown["points"], shown["weight"], shown["evidence"]) == ("excluded", 0, 0, None)
    assert (shown["band"], shown["number"], shown["unit"]) == ("≥ 0.00", 1.5, "1")
    assert contributions(answer(wire()), "knee")["acwr"]["band"] == "≥ 0.00"
    assert contributions(answer(wire()), "knee")["acwr"]["number"] is None


def test_a_rule_set_without_any_evidence_scores_everybody_at_the_average() -> None:
    nothing = {"knee": {"grade": None, "weight": 0}}
    by = of_factors(factor("shown", "week_to_week_ratio", band(1, from_=0), joints=nothing))
    told = knee(by)
    assert (told["score"], told["base"], told["known_share"], told["score_range"]) == (50, 50, 1, [50, 50])
