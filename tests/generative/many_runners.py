"""Many seeded runners in batches, and what the reference says of each: for holding the column evaluator to it."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import cycle
from random import Random
from typing import Any, Final

import pyarrow as pa

from app.errors import InvalidInputError
from app.runners import read_request
from app.scoring.columns import answer_schema, score_columns
from app.scoring.compiled import CompiledRuleSet
from app.scoring.engine import Assessment, assess
from tests.generative.strategies import DAYS, MOST_ANSWERS, Request, runner_of, training_of
from tests.oracle.service import TODAY, shipped_document

# --- runners ---------------------------------------------------------------------------------------------------------

SPOILT_ONE_IN: Final = 4


def runners_of(chance: Random, count: int) -> list[Request]:
    """Runners of whom anything may be unknown; every fourth is faulty or doubtful in one place more."""
    return [_runner(chance) for _ in range(count)]


def _runner(chance: Random) -> Request:
    as_of = DAYS[0] if chance.random() < 0.7 else chance.choice(DAYS)
    request: Request = {"as_of": str(as_of), "runner": runner_of(chance.randbytes(MOST_ANSWERS))}
    request["training"] = training_of(chance.randbytes(chance.randint(15, 60)), as_of)
    if chance.random() < 0.1:
        del request["as_of"]
    if chance.random() < 0.5:
        # most platforms send days alone, which leaves more rows to be read all at once
        for session in request["training"].get("sessions") or ():
            if "started_at" in session:
                session["started_on"] = session.pop("started_at")[:10]
    if chance.randrange(SPOILT_ONE_IN) == 0:
        chance.choice(SPOILS)(request, chance)
    return request


def _put(path: str, given: Any) -> Callable[[Request, Random], None]:
    def spoil(request: Request, chance: Random) -> None:
        *owners, name = path.split(".")
        target = request
        for owner in owners:
            if target.get(owner) is None:
                target[owner] = {}
            target = target[owner]
        target[name] = copy.deepcopy(given)

    return spoil


def _both(*spoils: Callable[[Request, Random], None]) -> Callable[[Request, Random], None]:
    def spoil(request: Request, chance: Random) -> None:
        for each in spoils:
            each(request, chance)

    return spoil


def _sessions(request: Request) -> list[Any]:
    training = request["training"]
    if training.get("sessions") is None:
        training["sessions"] = []
    sessions: list[Any] = training["sessions"]
    return sessions


def _add_session(days_ago: int = 3, **session: Any) -> Callable[[Request, Random], None]:
    def spoil(request: Request, chance: Random) -> None:
        day = date.fromisoformat(request.get("as_of") or str(TODAY)) - timedelta(days=days_ago)
        sessions = _sessions(request)
        sessions.insert(chance.randint(0, len(sessions)), {"started_on": str(day), **session})

    return spoil


def _repeat_a_session(request: Request, chance: Random) -> None:
    if sessions := _sessions(request):
        sessions.append(copy.deepcopy(chance.choice(sessions)))


def _shuffle_sessions(request: Request, chance: Random) -> None:
    chance.shuffle(_sessions(request))


def _sort_sessions(request: Request, chance: Random) -> None:
    _sessions(request).sort(key=lambda session: str(session.get("started_on")))


def _plan(ahead: int, **more: Any) -> Callable[[Request, Random], None]:
    def spoil(request: Request, chance: Random) -> None:
        day = date.fromisoformat(request.get("as_of") or str(TODAY)) + timedelta(days=ahead)
        request["training"]["planned_run"] = {"on": str(day), **more}

    return spoil


SPOILS: Final[tuple[Callable[[Request, Random], None], ...]] = (
    _put("runner.age_years", 2),
    _put("runner.age_years", 111),
    _put("runner.age_years", 40.5),
    _put("runner.sleep_hours", 24.001),
    _put("runner.sleep_hours", float("nan")),
    _put("runner.mass_kg", float("inf")),
    _put("runner.posture", "splendid"),
    _put("runner.favourite_colour", "blue"),
    _put("runner.knee.favourite_colour", "blue"),
    _put("runner.knee.months_since", 3.5),
    _put("runner.knee.pain_now", 11),
    _put("runner.knee", {"history": "never", "months_since": 3}),
    _put("runner.knee", {"history": "never", "months_since": 0, "episodes": 0, "pain_now": 3}),
    _put("runner.lower_back", {"history": "never", "episodes": 2}),
    _put("runner.other_injury", {"history": "never", "months_since": 1}),
    _put("runner.knee.symptoms", ["kn_locked", "kn_made_up", "kn_other"]),
    _put("runner.lower_back.symptoms", ["Not an id"]),
    _put("runner.lower_back.symptoms", ["lb_infection", "kn_locked", "lb_infection"]),
    _put("runner.symptoms", ["gen_made_up"]),
    _put("runner.symptoms", ["a" * 5 + str(number) for number in range(65)]),
    _both(_put("runner.knee.surgery", "none"), _put("runner.knee.surgery_months_since", 4)),
    _add_session(-1, distance_m=5000.0),
    _add_session(-2, distance_m=5000.0),
    _add_session(distance_m=10000.0, duration_s=700.0),
    _add_session(distance_m=10000.0, duration_s=1400.0),
    _add_session(distance_m=10000.0, duration_s=0.0),
    _add_session(distance_m=100000.0),
    _both(_add_session(distance_m=60000.0), _add_session(distance_m=50000.0)),
    _both(_add_session(distance_m=60000.0, id="a"), _add_session(distance_m=50000.0, id="a")),
    _both(_add_session(distance_m=6000.0, id="a"), _add_session(distance_m=6000.0, id="b")),
    _both(_add_session(20, distance_m=6000.0), _add_session(50, distance_m=7000.0), _add_session(0, distance_m=1.0)),
    _add_session(distance_m=-1.0),
    _add_session(distance_m=5000.0, effort=10.5),
    _add_session(distance_m=5000.0, effort=7.5, ascent_m=120.0, duration_s=1800.0),
    _add_session(distance_m=5000.0, cadence=180.0),
    _add_session(distance_m=5000.0, id=""),
    _add_session(distance_m=5000.0, id="a" * 129),
    _add_session(started_on="2026-02-30", distance_m=5000.0),
    _add_session(started_on="20261120", distance_m=5000.0),
    _add_session(started_on="20261120ab", distance_m=5000.0),
    _add_session(started_on="0000-01-01", distance_m=5000.0),
    _add_session(started_on="2024-02-29", distance_m=5000.0),
    _add_session(started_on=None, distance_m=5000.0),
    _add_session(started_on="2026-11-20", started_at="2026-11-20T23:30:00-05:00", distance_m=5000.0),
    _add_session(started_on="2026-11-19", started_at="2026-11-20T23:30:00-05:00", distance_m=5000.0),
    _add_session(started_on=None, started_at="2026-11-20T10:00:00+05:30", distance_m=5000.0),
    _add_session(started_on=None, started_at="2026-11-20T24:00:00+05:30", distance_m=5000.0),
    _both(
        _add_session(started_on=None, started_at="2026-11-20T10:00:00+01:00", distance_m=5000.0),
        _add_session(started_on=None, started_at="2026-11-20T11:00:00+02:00", distance_m=5000.0),
    ),
    lambda request, chance: _sessions(request).append(None),
    _repeat_a_session,
    _shuffle_sessions,
    _sort_sessions,
    _put("training.sessions", []),
    _put("training.sessions", None),
    _put("training.observed_from", "2026-12-01"),
    _put("training.observed_from", "2020-01-01"),
    _put("training.time_zone", "Mars/Olympus"),
    _put("training.time_zone", "Europe/Berlin"),
    _put("training.weekly_distance_m", [20000.0, None, 21000.5, 22000.0, 24000.0]),
    _put("training.weekly_distance_m", [20000.0] * 105),
    _put("training.weekly_distance_m", [2_000_001.0]),
    _both(
        _put("training.sessions", None),
        _put("training.weekly_distance_m", [8.0, 9000.0004, 9000.0005, 9.0, 8.0, 1.0]),
    ),
    _plan(-1, distance_m=9000.0),
    _plan(8, distance_m=9000.0),
    _plan(31, distance_m=9000.0),
    _plan(93, distance_m=9000.0),
    _plan(3),
    _plan(3, distance_m=9000.0, duration_s=600.0),
    _plan(3, distance_m=9000.0, duration_s=3600.0),
    _plan(0, distance_m=0.0),
    _put("as_of", "2026-11-25"),
    _put("as_of", "1999-12-31"),
    _put("as_of", "2000-01-01"),
    _put("as_of", "yesterday"),
)  # fmt: skip

# --- batches ---------------------------------------------------------------------------------------------------------


def as_text(requests: Sequence[Request]) -> pa.RecordBatch:
    """Each request as JSON text."""
    return pa.RecordBatch.from_pydict({"request": [json.dumps(request) for request in requests]})


def as_structs(requests: Sequence[Request]) -> pa.RecordBatch:
    """Requests as structs, of the types that Arrow finds in them."""
    names = ("as_of", "runner", "training")
    return pa.RecordBatch.from_pydict({name: [request.get(name) for request in requests] for name in names})


def as_dotted(requests: Sequence[Request]) -> pa.RecordBatch:
    """Requests with every field of the profile in a column of its own."""
    columns: dict[str, Any] = {}

    def take_apart(name: str, cells: Any) -> None:
        if pa.types.is_struct(cells.type):
            for field, member in zip(cells.type, cells.flatten(), strict=True):
                take_apart(f"{name}.{field.name}", member)
        else:
            columns[name] = cells

    structs = as_structs(requests)
    for name, cells in zip(structs.schema.names, structs.columns, strict=True):
        take_apart(name, cells)
    return pa.RecordBatch.from_pydict(columns)


FORMS: Final = (as_structs, as_dotted, as_text)


def without_what_no_column_says(request: Request) -> Request:
    """The request as columns can say it: an object of which nothing was told is not told."""
    told: Request = {"runner": {}, "training": {}, **(_trimmed(request) or {})}
    return told


def _trimmed(told: Any) -> Any:
    if isinstance(told, dict):
        members = {name: _trimmed(member) for name, member in told.items()}
        return {name: member for name, member in members.items() if member is not None} or None
    return [_trimmed(member) for member in told] if isinstance(told, list) else told


# --- what the reference says -----------------------------------------------------------------------------------------


def expected_row(rules: CompiledRuleSet, request: Request, *, today: date = TODAY) -> dict[str, Any]:
    """The columns of one runner, from the reference: read, assessed, and told in the terms of the schema."""
    row: dict[str, Any] = dict.fromkeys(answer_schema(contributions="listed").names)
    row |= {"rule_set": rules.version, "digest": rules.digest}
    try:
        read = read_request(json.dumps(request).encode(), today=today)
        assessment = assess(rules, read.request, as_of=read.as_of, findings=read.findings)
    except InvalidInputError as refusal:
        first = refusal.faults[0]
        return row | {"row_status": "refused", "problem_code": first.code, "problem_pointer": first.pointer}
    return row | {"row_status": "assessed", **_numbers_of(assessment), "contributions": _contributions_of(assessment)}


def _numbers_of(assessment: Assessment) -> dict[str, Any]:
    grading = assessment.grading
    row: dict[str, Any] = {"as_of": assessment.as_of}
    for joint, assessed in grading.joints.items():
        risk, span = assessed.relative_risk, assessed.score_range
        row |= {
            f"{joint}_status": assessed.status,
            f"{joint}_score": assessed.score,
            f"{joint}_score_low": span[0] if span else None,
            f"{joint}_score_high": span[1] if span else None,
            f"{joint}_level": assessed.level,
            f"{joint}_level_certain": assessed.level_certain,
            f"{joint}_known_share": round(assessed.known_share, 2),
            f"{joint}_relative_risk": round(risk.estimate, 2) if risk else None,
            f"{joint}_relative_risk_low": round(risk.low, 2) if risk else None,
            f"{joint}_relative_risk_high": round(risk.high, 2) if risk else None,
        }
    reasons = [flag for flag in grading.flags if flag.urgency is not None]
    return row | {
        "summary_level": grading.joints[grading.summary_joint].level if grading.summary_joint else None,
        "referral_screened": grading.screened,
        "referral_urgency": reasons[0].urgency if reasons else "none" if grading.screened else None,
        "referral_reason_ids": [flag.id for flag in reasons],
        "advice_ids": [given.advice.id for given in grading.advice],
        "finding_codes": [finding.code for finding in assessment.findings],
        "ask_next_field": assessment.ask_next.field if assessment.ask_next else None,
        "longest_in_reference_m": assessment.next_run.longest_in_reference_m if assessment.next_run else None,
    }


def _contributions_of(assessment: Assessment) -> list[dict[str, Any]]:
    rules, masks = assessment.rules, assessment.standing.masks
    listed: list[dict[str, Any]] = []
    for joint, tables in rules.joints.items():
        status: dict[int, tuple[str, int]] = {position: ("excluded", 0) for position, _ in tables.excluded}
        for group, index in zip(tables.groups, assessment.grading.joints[joint].totals.entries, strict=True):
            for member, share in zip(group.members, group.entries[index].shares, strict=True):
                status[member.position] = (share.status, share.points)
        for position, pair in enumerate(tables.pairs):
            mask = masks[pair.ruler]
            is_known = bool(mask) and not mask & (mask - 1)
            listed.append({
                "joint": joint,
                "factor": pair.factor.id,
                "band": rules.rulers[pair.ruler].labels[mask.bit_length() - 1] if is_known else None,
                "status": status[position][0],
                "points_hundredths": status[position][1],
            })  # fmt: skip
    return listed


def disagreements(
    rules: CompiledRuleSet, requests: Sequence[Request], *, form: Callable[[Sequence[Request]], pa.RecordBatch]
) -> list[str]:
    """Where a batch of answers is not what the reference says, row by row and column by column."""
    batch = form(requests)
    told = score_columns(rules, batch, as_of=None, today=TODAY, contributions="listed").to_pylist()
    found: list[str] = []
    for place, (request, row) in enumerate(zip(requests, told, strict=True)):
        said = request if form is as_text else without_what_no_column_says(request)
        expected = expected_row(rules, said)
        found += [
            f"row {place}, {name}: {row[name]!r}, not {expected[name]!r}; {json.dumps(request)}"
            for name in expected
            if row[name] != expected[name]
        ]
    return found


# --- rule sets -------------------------------------------------------------------------------------------------------


def changed_documents(chance: Random) -> Iterator[dict[str, Any]]:
    """Versions of `2026.1` with other edges, ratios, groups, weights, cuts and floors, without end."""
    labelled = set(_named_by_label(shipped_document()))
    for kind in cycle(range(4)):
        document = copy.deepcopy(shipped_document())
        for factor in document["factors"]:
            bands = [band for at in (factor, *factor["joints"].values()) for band in at.get("bands") or ()]
            for band in bands:
                for edge in ("above", "from"):
                    if band.get(edge) and kind != 3 and factor["id"] not in labelled:
                        # few digits, or so many that a product no longer fits into 64 bits
                        stretch = 1 + chance.choice((0, 0, 0.1, 0.000000000123))
                        band[edge] = round(band[edge] * stretch, chance.choice((1, 2, 13)))
                for effect in (band, *band.get("effects", ())):
                    if "ratio" in effect and chance.random() < 0.3:
                        effect["high"] = effect["high"] * 1.5
            if kind == 1 and chance.random() < 0.3:
                factor["group"] = factor["id"]
        document["levels"]["known_share_floor"] = chance.choice((0, 0.05, 0.3, 0.35, 0.6))
        chance.shuffle(document["advice"])
        if kind == 2:
            chance.shuffle(document["factors"])
        yield document


def _named_by_label(part: Any) -> Iterator[str]:
    """Factors of which a band is named by its label somewhere, so that its edges have to stay."""
    if isinstance(part, dict):
        if part.get("in", "raised") not in ("raised", "reference"):
            yield part["factor"]
        yield from (factor for factor, label in (part.get("sets") or {}).items() if label != "reference")
        part = list(part.values())
    if isinstance(part, list):
        for member in part:
            yield from _named_by_label(member)
