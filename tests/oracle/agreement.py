"""Where an answer of the service and the oracle's reading of the same request differ."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Final

from tests.oracle.conditions import Truths, truths_of
from tests.oracle.kinds import Choice, Number, Reading, Wire, is_above
from tests.oracle.next_run import expected_next_run
from tests.oracle.readings import read_request
from tests.oracle.scores import JOINTS, JointScore, Oracle

# A printed number of two decimals may lie half a hundredth beside the one it stands for.
HALF_A_HUNDREDTH: Final = 0.005 + 1e-9
# Numbers are shown to four decimals.
SHOWN_WITHIN: Final = 0.00005 + 1e-9
NOT_WITHOUT_KNOWING: Final = ("score", "level", "relative_risk")
NOT_FOR_SUSPENDED: Final = (*NOT_WITHOUT_KNOWING, "score_range", "rate_per_1000_h")


def hundredths_of(printed: float | None) -> int | None:
    """Points as the oracle counts them."""
    return None if printed is None else round(printed * 100)


def is_absent(request: Wire, pointer: str) -> bool:
    """Whether a field of the request was left out, or is null."""
    found: Any = request
    if pointer == "/training/sessions" and request["training"].get("sessions") == []:
        # No run at all says nothing as long as nobody says since when there was none.
        return is_absent(request, "/training/observed_from")
    for name in pointer.split("/")[1:]:
        found = (found or {}).get(name)
    return found is None


def best_questions(
    truths: Truths, request: Wire, *, inputs: Mapping[str, Sequence[str]], order: Sequence[str]
) -> tuple[int, str | None]:
    """The unknown input whose answer could narrow the ranges most, and by how many hundredths, all joints together."""
    oracle = truths.oracle
    candidates: set[str] = set()
    for joint in JOINTS:
        for group in oracle.groups[joint]:
            for pair in group.members:
                if len(truths.masks[joint][pair.id]) > 1:
                    absent = [pointer for pointer in inputs[pair.feature] if is_absent(request, pointer)]
                    candidates |= set(absent[:1])
    worths = []
    for pointer in sorted(candidates, key=order.index):
        reading_it = {feature for feature, named in inputs.items() if pointer in named}
        drops = [oracle.narrowing(joint, truths.masks[joint], reading_it) for joint in JOINTS]
        worths.append((sum(drops), pointer))
    return max(worths, key=lambda worth: worth[0], default=(0, None))


def differences_of_numbers(answered: Mapping[str, Any], truths: Truths, joint: str) -> Iterator[str]:
    """Where a contribution shows another number or choice than what was read."""
    for told, pair in zip(answered["contributions"], truths.oracle.pairs[joint], strict=True):
        reading = truths.readings[pair.feature]
        choice = reading.name if isinstance(reading, Choice) else None
        number = reading.quantity if isinstance(reading, Number) and isinstance(reading.quantity, Fraction) else None
        if told["choice"] != choice or (told["number"] is None) != (number is None):
            yield f"{joint}: {pair.id} shows {told['number']} {told['choice']}, not {reading}"
        elif number is not None and abs(told["number"] - float(number)) > SHOWN_WITHIN:
            yield f"{joint}: {pair.id} shows {told['number']}, not {float(number)}"


def differences_of_joint(answered: Mapping[str, Any], own: JointScore, truths: Truths, joint: str) -> Iterator[str]:
    """Where a joint of the answer differs from the oracle's."""
    yield from differences_of_numbers(answered, truths, joint)
    status = truths.status(joint)
    expected: dict[str, Any] = {"status": status, "base": own.base, "contributions": list(own.contributions)}
    found: dict[str, Any] = {"status": answered["status"], "base": hundredths_of(answered["base"])}
    found["contributions"] = [
        type(line)(
            factor=told["factor"],
            status=told["status"],
            points=hundredths_of(told["points"]) or 0,
            # The design says nothing of what an excluded factor would be worth alone, or of its band.
            points_alone=line.points_alone if told["status"] == "excluded" else hundredths_of(told["points_alone"]),
            band=line.band if told["status"] == "excluded" else told["band"],
        )
        for told, line in zip(answered["contributions"], own.contributions, strict=True)
    ]
    if status == "suspended":
        expected |= dict.fromkeys(NOT_FOR_SUSPENDED)
        found |= {name: answered[name] for name in NOT_FOR_SUSPENDED}
    else:
        expected["score_range"], found["score_range"] = list(own.score_range), answered["score_range"]
        if abs(answered["known_share"] - float(own.known_share)) > HALF_A_HUNDREDTH:
            yield f"{joint}: known_share {answered['known_share']}, not {float(own.known_share)}"
    if status == "not_assessed":
        expected |= dict.fromkeys(NOT_WITHOUT_KNOWING)
        found |= {name: answered[name] for name in NOT_WITHOUT_KNOWING}
    if status == answered["status"] == "scored":
        level = truths.oracle.level
        ends = {level(end) for end in own.score_range}
        expected |= {"score": own.score, "level": level(own.score), "level_certain": len(ends) == 1}
        found |= {name: answered[name] for name in ("score", "level", "level_certain")}
        yield from differences_of_risk(answered, own, truths, joint)
    yield from (
        f"{joint}: {name} {found[name]}, not {expected[name]}" for name in expected if found[name] != expected[name]
    )


def differences_of_risk(answered: Mapping[str, Any], own: JointScore, truths: Truths, joint: str) -> Iterator[str]:
    """Where relative risk or rate differ, beyond how they are rounded."""
    for name, exact in zip(("estimate", "low", "high"), own.relative_risk, strict=True):
        told = answered["relative_risk"][name]
        if abs(told - exact) > HALF_A_HUNDREDTH:
            yield f"{joint}: relative_risk {name} {told}, not {exact}"
    groups = {name: truths.oracle.document["rates"][name]["joints"][joint] for name in ("first_year", "experienced")}
    years = truths.readings["running_years"]
    is_novice = isinstance(years, Number) and is_above(Fraction(1), years.quantity)
    of_low = groups["first_year" if is_novice else "experienced"]
    of_high = of_low if isinstance(years, Number) else groups["first_year"]
    rate, estimate = answered["rate_per_1000_h"], own.relative_risk[0]
    if rate["average"] != of_low["average"]:
        yield f"{joint}: average rate {rate['average']}, not {of_low['average']}"
    for name, exact in (("low", of_low["low"] * estimate), ("high", of_high["high"] * estimate)):
        if abs(rate[name] - exact) > (0.5 if exact >= 0.95 else 0.05) + 1e-9:
            yield f"{joint}: rate {name} {rate[name]}, not {exact}"


def differences(
    answered: Mapping[str, Any],
    request: Wire,
    oracle: Oracle,
    *,
    inputs: Mapping[str, Sequence[str]],
    order: Sequence[str],
) -> list[str]:
    """Every place where the answer is not what the oracle says; empty where they agree."""
    readings: dict[str, Reading] = read_request(request, date.fromisoformat(request["as_of"]))
    truths = truths_of(oracle, request, readings)
    own = truths.scores
    found: list[str] = []
    for joint in JOINTS:
        found += differences_of_joint(answered["joints"][joint], own[joint], truths, joint)
    free = [own[joint] for joint in JOINTS if truths.status(joint) != "suspended"]
    weak, applied = (sum(joint.weak_points for joint in free), sum(joint.applied_points for joint in free))
    if abs(answered["weak_evidence_share"] - (weak / applied if applied else 0)) > HALF_A_HUNDREDTH:
        found.append(f"weak_evidence_share {answered['weak_evidence_share']}, not {weak}/{applied}")
    named = {reason["id"] for reason in answered["referral"]["reasons"]}
    raised = {flag["id"] for flag in truths.flags.values() if flag["effect"] == "suspend"}
    if not raised <= named:
        found.append(f"the referral leaves out {raised - named}")
    stopping = truths.joints_of("suspend") | truths.joints_of("not_assess")
    if not stopping:
        found += differences_of_guidance(answered, request, truths, inputs=inputs, order=order)
    if truths.joints_of("suspend") and answered["next_run"] is not None:
        found.append("a next run stands beside a suspended joint")
    if truths.is_serious and any(entry["category"] != "professional" for entry in answered["advice"]):
        found.append("training advice stands beside an urgent referral")
    return found


def differences_of_guidance(
    answered: Mapping[str, Any],
    request: Wire,
    truths: Truths,
    *,
    inputs: Mapping[str, Sequence[str]],
    order: Sequence[str],
) -> Iterator[str]:
    """Where summary, advice or the next question differ."""
    own = truths.scores
    top = max(truths.scored, key=lambda joint: own[joint].score, default=None)
    expected = (top, own[top].score, truths.oracle.level(own[top].score)) if top else (None, None, None)
    summary = tuple(answered["summary"][name] for name in ("joint", "score", "level"))
    if summary != expected and not (top is None and summary[1:] == (None, None)):
        yield f"summary {summary}, not {expected}"
    told = [(entry["id"], entry["similar_runner_score"]) for entry in answered["advice"]]
    if told != truths.advice():
        yield f"advice {told}, not {truths.advice()}"
    if answered["next_run"] != expected_next_run(truths, request):
        yield f"next_run {answered['next_run']}, not {expected_next_run(truths, request)}"
    worth, pointer = best_questions(truths, request, inputs=inputs, order=order)
    asked = None if answered["ask_next"] is None else answered["ask_next"]["field"]
    if worth > 0 and asked != pointer:
        yield f"ask_next {asked}, not {pointer} (worth {worth})"
    unknown = any(len(mask) > 1 for joint in JOINTS for mask in truths.masks[joint].values())
    if asked is not None and not unknown:
        yield f"ask_next {asked} though nothing is unknown"
