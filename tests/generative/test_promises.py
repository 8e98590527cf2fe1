"""Worse never lowers, missing is not low, the reasons add up, and the range keeps its word."""

import itertools
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.generative.strategies import (
    DAYS,
    PLAIN_FEATURES,
    RATIOS,
    Request,
    documents,
    log_with_spike,
    put,
    requests,
    requests_for,
    worse_when,
)
from tests.oracle.scores import JOINTS, printed
from tests.oracle.service import answer, compile_document, shipped_rules

# One field, from best to worst; nothing else that a factor of 2026.1 reads depends on it while it is known.
FROM_BEST_TO_WORST: Final[dict[str, tuple[Any, ...]]] = {
    "/runner/sleep_hours": (9, 7, 6.9, 4),
    "/runner/life_complaint": (False, True),
    "/runner/goal_event": ("none", "half_marathon", "marathon", "ultra"),
    "/runner/shoes/pairs": (3, 2, 1),
    "/runner/shoes/cushioning": ("soft", "medium", "firm"),
    "/runner/shoes/support": ("motion_control", "neutral"),
    "/runner/strength_training/sessions_per_week": (4, 2, 1, 0),
    "/runner/strength_training/supervised": (True, False),
    "/runner/other_sport_hours_per_week": (5, 3, 2, 1, 0),
    "/runner/core_strength": ("strong", "average", "weak"),
    "/runner/posture": ("good", "fair", "poor"),
    "/runner/warm_up": ("usually", "sometimes", "never"),
    "/runner/knee/pain_now": (0, 1, 3, 4, 5),
    "/runner/lower_back/pain_now": (0, 1, 3, 4, 5),
    "/runner/other_injury": (
        *({"history": "never"}, {"history": "recovered", "months_since": 13}),
        *({"history": "recovered", "months_since": 12}, {"history": "recovered", "months_since": 3}),
        {"history": "current"},
    ),
    "/runner/knee/history": ("never", "current"),
    "/runner/lower_back/episodes": (1, 2, 3, 9),
}
# Forgetting any of these leaves everything else as it was. `observed_from` and `time_zone` have defaults of their own,
# and what a weekly list or 0 years of running say is whether a factor speaks of this runner at all.
FORGETTABLE: Final = (
    *(pointer for pointer in FROM_BEST_TO_WORST if not pointer.startswith("/runner/other_injury")),
    *("/runner/other_injury", "/runner/other_injury/months_since", "/runner/other_injury/history"),
    *("/runner/knee", "/runner/knee/months_since", "/runner/lower_back", "/runner/lower_back/history"),
    *("/runner/height_m", "/runner/mass_kg", "/runner/sex", "/runner/running_years", "/runner/foot_posture"),
    *("/runner/shoes", "/runner/strength_training", "/runner/strength_training/focus"),
)


def raw_hundredths(joint: dict[str, Any]) -> int:
    """The score of a joint before it is clipped, as its own reasons add up to it."""
    points: list[float] = [joint["base"], *(line["points"] for line in joint["contributions"])]
    return sum(round(each * 100) for each in points)


def found_at(request: Request, pointer: str) -> Any:
    """What stands at a place of a request; None where nothing does."""
    found: Any = request
    for name in pointer.split("/")[1:]:
        found = (found or {}).get(name)
    return found


def without(request: Request, pointer: str) -> Request:
    """The request with one member left out."""
    *path, last = pointer.split("/")[1:]
    if not path:
        return {name: told for name, told in request.items() if name != last}
    return {**request, path[0]: without(request[path[0]], "/" + "/".join([*path[1:], last]))}


def assert_no_lower(better: dict[str, Any], worse: dict[str, Any]) -> None:
    for joint in JOINTS:
        one, other = better["joints"][joint], worse["joints"][joint]
        assert raw_hundredths(other) >= raw_hundredths(one)
        assert all(up >= down for up, down in zip(other["score_range"], one["score_range"], strict=True))
        if one["score"] is not None and other["score"] is not None:
            assert other["score"] >= one["score"]


@given(request=requests(flagged=False), pointer=st.sampled_from(tuple(FROM_BEST_TO_WORST)), data=st.data())
def test_a_worse_habit_or_history_never_lowers_a_score(request: Request, pointer: str, data: st.DataObject) -> None:
    steps = FROM_BEST_TO_WORST[pointer]
    place = data.draw(st.integers(0, len(steps) - 2))
    if pointer == "/runner/knee/history":
        request["runner"]["knee"] = {"pain_now": (request["runner"].get("knee") or {}).get("pain_now")}
    if pointer == "/runner/lower_back/episodes":
        put(request, "/runner/lower_back/history", "recovered")

    put(request, pointer, steps[place])
    better = answer(shipped_rules(), request, detail="codes")
    put(request, pointer, steps[place + 1])
    worse = answer(shipped_rules(), request, detail="codes")

    assert_no_lower(better, worse)


@given(request=requests(flagged=False), ratios=st.lists(st.sampled_from(RATIOS), min_size=2, max_size=2, unique=True))
def test_a_longer_single_run_never_lowers_a_score(request: Request, ratios: list[float]) -> None:
    as_of = date.fromisoformat(request["as_of"])
    shorter, longer = (log_with_spike(ratio, as_of=as_of) for ratio in sorted(ratios))

    better = answer(shipped_rules(), {**request, "training": shorter}, detail="codes")
    worse = answer(shipped_rules(), {**request, "training": longer}, detail="codes")

    assert_no_lower(better, worse)


@given(data=st.data())
def test_under_any_rules_a_worse_band_never_lowers_and_an_unknown_one_is_never_the_healthiest(
    data: st.DataObject,
) -> None:
    document = data.draw(documents(features=tuple(PLAIN_FEATURES)))
    request = data.draw(requests_for(document))
    factor = data.draw(st.sampled_from(document["factors"]))
    pointer, values, _ = PLAIN_FEATURES[factor["feature"]]
    from_best = values[::-1] if worse_when(factor["feature"]) == "lower" else values
    rules = compile_document(document)

    known = []
    for told in from_best:
        put(request, pointer, told)
        known.append(answer(rules, request, detail="codes"))
    put(request, pointer, None)
    unknown = answer(rules, request, detail="codes")

    for better, worse in itertools.pairwise(known):
        assert_no_lower(better, worse)
    everywhere = all(band["share"] >= 0.05 for band in factor["bands"])
    for joint in JOINTS:
        best, middle, worst = (raw_hundredths(told["joints"][joint]) for told in (known[0], unknown, known[-1]))
        assert best <= middle <= worst
        # Some of the population is worse off than the healthiest: then the unknown is, too.
        assert best < middle or not everywhere or worst - best < 100


def assert_no_narrower(known: dict[str, Any], forgotten: dict[str, Any]) -> None:
    for joint in JOINTS:
        before, after = known["joints"][joint], forgotten["joints"][joint]
        assert after["score_range"][0] <= before["score_range"][0]
        assert after["score_range"][1] >= before["score_range"][1]
        assert after["known_share"] <= before["known_share"]
        assert after["score_range"][0] <= printed(raw_hundredths(before)) <= after["score_range"][1]


@given(request=requests(flagged=False), pointer=st.sampled_from(FORGETTABLE))
def test_forgetting_an_answer_widens_the_range_around_the_score(request: Request, pointer: str) -> None:
    if found_at(request, pointer) is None:
        known = next((steps[-1] for name, steps in FROM_BEST_TO_WORST.items() if name == pointer), None)
        assume(known is not None and pointer not in {"/runner/knee/history", "/runner/lower_back/episodes"})
        put(request, pointer, known)
    assume(pointer != "/runner/running_years" or request["runner"]["running_years"] >= 0.5)

    known_answer = answer(shipped_rules(), request, detail="codes")
    forgotten = answer(shipped_rules(), without(request, pointer), detail="codes")

    assert_no_narrower(known_answer, forgotten)


@given(request=requests(flagged=False), data=st.data())
def test_forgetting_a_distance_or_the_log_widens_the_range_around_the_score(
    request: Request, data: st.DataObject
) -> None:
    training = request["training"]
    log = training.get("sessions")
    assume(log)
    place = data.draw(st.integers(-1, len(log) - 1))
    if place < 0:
        # With weekly distances left, the single-run factor would not be unknown but beside the point.
        training.pop("weekly_distance_m", None)
        forgotten: Request = {**request, "training": {}}
    else:
        sessions = [{**session, "distance_m": None} if here == place else session for here, session in enumerate(log)]
        forgotten = {**request, "training": {**training, "sessions": sessions}}

    known_answer = answer(shipped_rules(), request, detail="codes")

    assert_no_narrower(known_answer, answer(shipped_rules(), forgotten, detail="codes"))


@given(request=requests())
def test_the_reasons_add_up_to_the_score_and_the_score_lies_in_its_range(request: Request) -> None:
    for joint in answer(shipped_rules(), request, detail="codes")["joints"].values():
        if joint["score"] is not None:
            assert printed(raw_hundredths(joint)) == joint["score"]
            assert joint["score_range"][0] <= joint["score"] <= joint["score_range"][1]


def fillings(document: dict[str, Any], request: Request) -> list[list[tuple[str, Any]]]:
    """For each factor of which not all is known: every way to learn the rest, one for each of its bands at least."""
    ways: list[list[tuple[str, Any]]] = []
    for feature in {factor["feature"]: None for factor in document["factors"]}:
        if feature in PLAIN_FEATURES:
            pointer, values, _ = PLAIN_FEATURES[feature]
            if found_at(request, pointer) is None:
                ways.append([(pointer, told) for told in values])
        elif feature == "session_spike_ratio":
            ways.append(logs_after_learning(request))
        else:
            ways.append(histories_after_learning(feature, request))
    return [way for way in ways if way]


def logs_after_learning(request: Request) -> list[tuple[str, Any]]:
    """Logs that a runner with none, or with 22 days of one, may turn out to have."""
    training = request["training"]
    if not training:
        return [("/training", log_with_spike(ratio)) for ratio in (0.5, 1.0, 1.5, 3.0)]
    complete = {**training, "observed_from": str(DAYS[0] - timedelta(days=60))}
    if training["observed_from"] == complete["observed_from"]:
        return []
    earlier = [
        {"started_on": str(DAYS[0] - timedelta(days=28)), "distance_m": training["sessions"][-1]["distance_m"] / ratio}
        for ratio in (0.5, 1.0, 1.5, 3.0)
    ]
    return [("/training", {**complete, "sessions": [run, *complete["sessions"]]}) for run in earlier]


def histories_after_learning(feature: str, request: Request) -> list[tuple[str, Any]]:
    """Histories that an unknown one, or one of which the number is missing, may turn out to be."""
    part, field, numbers = {
        "months_since_knee_problem": ("knee", "months_since", (0, 4, 8, 20)),
        "months_since_other_injury": ("other_injury", "months_since", (0, 4, 8, 20)),
        "low_back_episodes": ("lower_back", "episodes", (1, 2, 3, 6)),
    }[feature]
    told = request["runner"].get(part) or {}
    history = told.get("history")
    if history == "never" or told.get(field) is not None or (history == "current" and field == "months_since"):
        return []
    known = [] if history else [(f"/runner/{part}/history", "never")]
    return [*known, *((f"/runner/{part}", {**told, "history": "recovered", field: number}) for number in numbers)]


@given(data=st.data())
def test_the_range_holds_every_score_that_learning_the_unknowns_can_give(data: st.DataObject) -> None:
    document = data.draw(documents())
    request = data.draw(requests_for(document))
    ways = fillings(document, request)
    rules = compile_document(document)
    promised = answer(rules, request, detail="scores")["joints"]

    # All of them where they are few, else a handful of those: each answer is the engine's own.
    every = list(itertools.product(*ways))
    for chosen in every if len(every) <= 16 else data.draw(st.lists(st.sampled_from(every), min_size=8, max_size=8)):
        learnt: Request = {**request, "runner": {name: _copy(told) for name, told in request["runner"].items()}}
        for pointer, told in chosen:
            put(learnt, pointer, {**(found_at(learnt, pointer) or {}), **told} if isinstance(told, dict) else told)
        for joint, told_joint in answer(rules, learnt, detail="scores")["joints"].items():
            low, high = promised[joint]["score_range"]
            assert low <= told_joint["score"] <= high


def _copy(told: Any) -> Any:
    return dict(told) if isinstance(told, dict) else told
