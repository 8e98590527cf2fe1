"""The next run: how long it may get inside the single-run factor's reference band, and the scores if a plan is run."""

import math
from datetime import date
from typing import Any, Final

from tests.oracle.bands import exact
from tests.oracle.conditions import Truths, truths_of
from tests.oracle.kinds import Wire, thousandths
from tests.oracle.load import days_back, read_log
from tests.oracle.readings import read_request

PAIN_THAT_HOLDS_IT: Final = 4
SINGLE_RUN: Final = "session_spike_ratio"


def longest_known_mm(request: Wire, on: date) -> int | None:
    """The longest run of the 30 days before a day; None where one may be missing, or after a break."""
    # A day to come is a day of rest: the log is taken as it stands.
    log = read_log(request["training"], date.fromisoformat(request["as_of"]))
    if log is None or not log.holds(days_back(on, 30), days_back(on, 1)):
        return None
    distances = [run.distance_mm for run in log.between(days_back(on, 30), days_back(on, 1))]
    known = [distance for distance in distances if distance is not None]
    return (max(known, default=0) or None) if len(known) == len(distances) else None


def longest_in_reference_mm(truths: Truths, before_mm: int) -> int | None:
    """The longest run that keeps the single-run factor in its reference band; None where nothing ends that band."""
    pairs = [pair for pairs in truths.oracle.pairs.values() for pair in pairs if pair.feature == SINGLE_RUN]
    if not pairs or pairs[0].reference == len(pairs[0].bands) - 1:
        return None
    after = pairs[0].bands[pairs[0].reference + 1]
    if "above" in after:
        return math.floor(exact(after["above"]) * before_mm)
    return math.ceil(exact(after["from"]) * before_mm) - 1


def expected_next_run(truths: Truths, request: Wire) -> dict[str, Any] | None:
    """What the answer should say of the next run; None without a log."""
    training, runner = request["training"], request["runner"]
    if read_log(training, date.fromisoformat(request["as_of"])) is None:
        return None
    planned = training.get("planned_run")
    on = date.fromisoformat((planned or {}).get("on") or request["as_of"])
    pains = [(runner.get(joint) or {}).get("pain_now") or 0 for joint in ("knee", "lower_back")]
    before_mm = longest_known_mm(request, on)
    if max(pains) >= PAIN_THAT_HOLDS_IT or thousandths(runner.get("running_years")) == 0:
        before_mm = None
    edge_mm = None if before_mm is None else longest_in_reference_mm(truths, before_mm)
    told: dict[str, Any] = {
        "longest_in_reference_m": None if edge_mm is None else edge_mm // 1000,
        "planned_m": None,
        "within_reference": None,
        "scores_if_run": {},
    }
    if planned is None:
        return told
    planned_mm = thousandths(planned["distance_m"])
    assert planned_mm is not None, "a planned run has a distance"
    return {
        **told,
        "planned_m": planned_mm / 1000,
        "within_reference": None if edge_mm is None else planned_mm <= edge_mm,
        "scores_if_run": scores_if_run(truths, request, {"started_on": str(on), **planned}),
    }


def scores_if_run(truths: Truths, request: Wire, run: dict[str, Any]) -> dict[str, int | None]:
    """The scored joints' scores on the day of the planned run, with it in the log; null where too little is known."""
    training = request["training"]
    log = read_log(training, date.fromisoformat(request["as_of"]))
    assert log is not None, "without a log there is nothing to add to"
    # The log goes on from where it began, however early or late the planned run is.
    sessions = [*(training.get("sessions") or []), {name: run[name] for name in ("started_on", "distance_m")}]
    later = {**training, "sessions": sessions, "observed_from": str(log.observed_from)}
    changed = {**request, "as_of": run["started_on"], "training": later}
    after = truths_of(truths.oracle, changed, read_request(changed, date.fromisoformat(run["started_on"])))
    return {
        joint: after.scores[joint].score if truths.oracle.is_known_enough(after.scores[joint]) else None
        for joint in truths.scored
    }
