"""The longest next run inside the range that was not linked with more injuries, and the scores if the plan is run."""

from typing import Any

import pytest

from app.scoring.compiled import CompiledRuleSet
from tests.unit.requests import Json, answer, band, day, factor, log, of_factors, published, rules, run, wire

YEARS = {"running_years": 3}
SOUND = {"history": "never", "pain_now": 0}
STEADY = [run(3, 10_000, duration_s=3_600), run(10, 10_000), run(20, 9_000)]


def next_run(training: Json, runner: Json | None = None, *, by: CompiledRuleSet | None = None) -> Any:
    return answer(wire({**YEARS, **(runner or {})}, training), by=by)["next_run"]


def plan(distance_m: float, ahead: int | None = None, **more: Any) -> Json:
    on = {} if ahead is None else {"on": day(-ahead)}
    return {"planned_run": {"distance_m": distance_m, **on, **more}}


# --- the longest -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "longest_m"),
    [
        (log(*STEADY), 11_000),
        (log(run(3, 10_005), run(20, 9_000)), 11_005),  # 11005.5, down to the whole metre
        (log(run(1, 10_000)), 11_000),
        (log(run(30, 10_000)), 11_000),
        (log(run(31, 10_000)), None),  # a break of 30 days
        (log(run(0, 10_000)), None),  # today's run does not measure today's next one
        (log(run(0, 20_000), run(30, 10_000)), 11_000),
        (log(), None),
        (log(run(1, 10_000), since=30), 11_000),
        (log(run(1, 10_000), since=29), None),
        (log(run(1, 10_000), since=None), None),
        (log(run(1, 10_000), run(9)), None),  # a run of unknown length might have been longer
        (log(run(1, 10_000), run(31)), 11_000),
        (log(run(1, 10_000), run(0)), 11_000),
        (log(run(1, 10_000), run(9, 0)), 11_000),
        (log(run(1, 0.0006)), 0),  # a whole millimetre, and no whole metre
    ],
)
def test_the_longest_run_in_reference_is_a_tenth_above_the_longest_of_the_30_days_before(
    training: Json, longest_m: int | None
) -> None:
    assert next_run(training) == {
        "longest_in_reference_m": longest_m, "planned_m": None, "within_reference": None, "scores_if_run": {},
    }  # fmt: skip


@pytest.mark.parametrize("training", [{}, {"weekly_distance_m": [20_000] * 5}, {"sessions": []}, plan(9_000)])
def test_without_sessions_nothing_is_said_of_the_next_run(training: Json) -> None:
    assert next_run(training) is None


@pytest.mark.parametrize(
    ("runner", "said"),
    [
        ({"knee": {"pain_now": 3}, "lower_back": {"pain_now": 3}}, True),
        ({"knee": {"pain_now": 4}}, False),
        ({"lower_back": {"pain_now": 4}}, False),
        ({"knee": {"pain_now": 5}}, False),
        ({"knee": {}, "lower_back": {"pain_now": 0}}, True),
        ({"running_years": 0}, False),
        ({"running_years": 0.001}, True),
        ({"knee": {"surgery": "meniscus", "surgery_months_since": 2, "cleared_to_run": True}}, True),
    ],
)
def test_with_pain_from_4_up_or_before_the_first_run_no_longest_is_named(runner: Json, said: bool) -> None:
    told = next_run(log(*STEADY, **plan(10_000)), runner)
    assert told["longest_in_reference_m"] == (11_000 if said else None)
    assert told["within_reference"] is (True if said else None)
    assert told["planned_m"] == 10_000
    assert "knee" in told["scores_if_run"]


@pytest.mark.parametrize(
    "runner",
    [
        {"knee": {"pain_now": 6}},
        {"lower_back": {"pain_now": 6}},
        {"knee": {"surgery": "meniscus", "surgery_months_since": 2}},
        {"lower_back": {"symptoms": ["lb_not_better"]}},
        {"symptoms": ["gen_bone_stress"]},
        {"age_years": 17},
        {"pregnancy": "pregnant"},
    ],
)
def test_with_any_joint_suspended_nothing_is_said_of_the_next_run(runner: Json) -> None:
    assert next_run(log(*STEADY, **plan(10_000)), runner) is None


# --- the plan --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metres", "within"),
    [(11_000, True), (11_000.0004, True), (11_000.001, False), (10_999.999, True), (0, True), (26_000, False)],
)
def test_a_plan_is_compared_to_the_millimetre(metres: float, within: bool) -> None:
    told = next_run(log(*STEADY, **plan(metres)))
    assert told["within_reference"] is within


@pytest.mark.parametrize(
    ("metres", "shown"), [(26_000, 26_000), (26_000.5, 26_000.5), (0.0004, 0), (12_345.678, 12_345.678)]
)
def test_the_plan_is_told_back_in_metres(metres: float, shown: float) -> None:
    assert next_run(log(*STEADY, **plan(metres)))["planned_m"] == shown


@pytest.mark.parametrize(
    ("ahead", "longest_m"),
    [
        (None, 22_000),
        (0, 22_000),
        (5, 22_000),
        (6, 11_000),  # the 20 km have left the 30 days before the plan
        (26, 11_000),
        (29, 11_000),
        (30, None),
        (92, None),
    ],
)
def test_a_plan_is_measured_by_the_30_days_before_its_day(ahead: int | None, longest_m: int | None) -> None:
    training = log(run(1, 10_000), run(25, 20_000), **plan(9_000, ahead))
    assert next_run(training)["longest_in_reference_m"] == longest_m


def test_a_run_of_today_measures_the_run_of_tomorrow() -> None:
    assert next_run(log(run(0, 10_000), **plan(9_000, 1)))["longest_in_reference_m"] == 11_000


def knee_if_run(training: Json, runner: Json | None = None, *, by: CompiledRuleSet | None = None) -> Any:
    return next_run(training, runner, by=by)["scores_if_run"]["knee"]


@pytest.mark.parametrize(
    ("metres", "score"), [(9_000, 45), (11_000, 45), (11_001, 57), (20_000, 57), (20_001, 67), (26_000, 67)]
)
def test_the_scores_if_run_are_those_of_the_runner_who_has_run_it(metres: float, score: int) -> None:
    # 44.78 with the reference band, and 12.54 or 22.29 more: the sums of the worked examples
    assert knee_if_run(log(*STEADY, **plan(metres))) == score
    run_it = answer(wire(YEARS, log(*STEADY, run(0, metres))))
    assert run_it["joints"]["knee"]["score"] == score


@pytest.mark.parametrize(
    ("ahead", "score"),
    [
        (0, 67),  # the run of 3 days ago stays in the 7 days
        (3, 67),
        (4, 45),  # by then it is a week old
        (27, 45),
        (28, 67),  # and now the plan follows 30 days without a run
    ],
)
def test_the_scores_if_run_are_of_the_day_of_the_plan(ahead: int, score: int) -> None:
    training = log(run(3, 30_000), run(20, 10_000), **plan(9_000, ahead))
    assert answer(wire(YEARS, training))["joints"]["knee"]["score"] == 67
    assert knee_if_run(training) == score


def test_the_time_of_the_plan_does_not_change_the_scores() -> None:
    with_time = next_run(log(*STEADY, **plan(12_000, None, duration_s=4_000)))
    assert with_time == next_run(log(*STEADY, **plan(12_000)))


def test_only_scored_joints_are_scored_if_run() -> None:
    assert next_run(log(*STEADY, **plan(12_000)))["scores_if_run"] == {"knee": 57}
    both = next_run(log(*STEADY, **plan(12_000)), {"lower_back": SOUND})["scores_if_run"]
    assert list(both) == ["knee", "lower_back"]


def test_a_plan_that_changes_nothing_gives_the_scores_of_today() -> None:
    answered = answer(wire({**YEARS, "lower_back": SOUND}, log(*STEADY, **plan(5_000))))
    today = {joint: told["score"] for joint, told in answered["joints"].items()}
    assert answered["next_run"]["scores_if_run"] == today


def test_a_scored_runner_whose_plan_makes_the_log_say_less_loses_the_score() -> None:
    # rest is certain; one run after 8 known days may be anything
    training = log(since=8, **plan(9_000))
    answered = answer(wire(YEARS, training))
    assert answered["joints"]["knee"]["status"] == "scored"
    assert answered["next_run"]["scores_if_run"] == {"knee": None}


def test_the_first_year_has_the_plan_in_its_week_too() -> None:
    sessions = [run(2, 10_000), run(5, 10_000), *(run(age, 10_000) for age in (9, 12, 16, 19, 23, 26, 33, 36))]
    runner = {"running_years": 0.5}
    training = log(*sessions, **plan(10_000))
    by_week = {metres: knee_if_run(log(*sessions, **plan(metres)), runner) for metres in (5_000, 6_000, 6_001, 10_000)}
    assert by_week == {5_000: 45, 6_000: 45, 6_001: 53, 10_000: 53}  # 26 km are exactly 1.30 of 20 km
    assert next_run(training, runner)["within_reference"] is True


def test_both_ends_of_the_range_move_with_the_plan() -> None:
    def change(written: Json) -> None:
        short = factor("short", "session_spike_ratio", band(0.5, 0.5, from_=0), band(0.5, above=1.1, reference=True))
        stress = factor("stress", "life_complaint", band(0.5, is_="no"), band(0.5, 2, is_="yes"), worse_when="later")
        written.update(factors=[short, stress], advice=[], flags=[], benefits=[])
        written["levels"]["known_share_floor"] = 0.5

    told = next_run(log(*STEADY, **plan(12_000)), by=rules(change))
    assert told["scores_if_run"]["knee"] is not None  # as much is known as before: one of two


# --- other rule sets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edge", "longest_m", "plan_m", "within"),
    [
        ({"above": 1.1}, 11_000, 11_000, True),
        ({"from": 1.1}, 10_999, 11_000, False),  # one millimetre under 11 km
        ({"from": 1.1}, 10_999, 10_999.999, True),
        ({"above": 1.5}, 15_000, 15_000.001, False),
    ],
)
def test_the_longest_run_ends_where_the_reference_band_ends(
    edge: Json, longest_m: int, plan_m: float, within: bool
) -> None:
    raised = {**band(0.5, 2), **edge}
    by = of_factors(factor("spike", "session_spike_ratio", band(0.5, from_=0), raised))
    told = next_run(log(*STEADY, **plan(plan_m)), by=by)
    assert (told["longest_in_reference_m"], told["within_reference"]) == (longest_m, within)


def test_an_edge_that_falls_between_two_millimetres_is_rounded_to_the_safe_side() -> None:
    by = of_factors(factor("spike", "session_spike_ratio", band(0.5, from_=0), band(0.5, 2, from_=1.1)))
    training = log(run(3, 0.005), **plan(0.005))  # 5.5 mm
    assert next_run(training, by=by)["within_reference"] is True
    assert next_run(log(run(3, 0.005), **plan(0.006)), by=by)["within_reference"] is False


def test_where_the_reference_band_is_not_the_first_the_run_may_be_as_long_as_its_end() -> None:
    bands = band(0.2, 0.5, from_=0), band(0.6, above=0.5, reference=True), band(0.2, above=1.2)
    by = of_factors(factor("spike", "session_spike_ratio", *bands))
    assert next_run(log(*STEADY), by=by)["longest_in_reference_m"] == 12_000


def test_where_nothing_ends_the_reference_band_no_longest_is_named() -> None:
    by = of_factors(factor("spike", "session_spike_ratio", band(1, from_=0)))
    assert next_run(log(*STEADY), by=by)["longest_in_reference_m"] is None


def test_a_rule_set_without_single_runs_names_no_longest_and_still_scores_the_plan() -> None:
    weeks = factor("weeks", "week_to_week_ratio", band(0.5, from_=0), band(0.5, 2, above=1.3))
    told = next_run(log(run(3, 10_000), run(10, 10_000), **plan(9_000)), by=of_factors(weeks))
    assert (told["longest_in_reference_m"], told["within_reference"]) == (None, None)
    assert told["scores_if_run"]["knee"] == 60


def test_with_the_least_evidence_the_plan_moves_only_what_is_left() -> None:
    runner = {"lower_back": SOUND}
    told = next_run(log(*STEADY, **plan(26_000)), runner, by=published("low"))
    today = answer(wire({**YEARS, **runner}, log(*STEADY)), by=published("low"))["joints"]
    assert told["scores_if_run"]["lower_back"] == today["lower_back"]["score"]
    assert told["scores_if_run"]["knee"] == today["knee"]["score"] + 22
