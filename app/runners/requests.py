"""Reads a request off the wire: every fault at once, doubts as findings, nothing lost.

What cannot be (a run of 400 km in 20 minutes, a session after the day of the score) is refused. What may be but is
doubtful is scored, with a finding. Faults and findings name places, never values.
"""

import re
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from app.errors import Fault, InvalidInputError
from app.runners.checks import check_profile, check_sessions, check_training, find_time_zone
from app.runners.profile import SESSIONS_MAX, WEEKS_MAX, Finding, ScoreRequest, Session

UnknownFields = Literal["refuse", "report"]

FIRST_DAY = date(2000, 1, 1)
ROUNDS_MAX = 12
FINDINGS_MAX = 100
UNKNOWN_FIELD = "unknown-field"
UNKNOWN_FIELDS_LEFT_OUT = "unknown-fields-left-out"
DEPTH_MOST = 16
FAULTS_ENOUGH = 1_000
"""Beyond this many the search ends: who has so many has one, again and again."""
_SPEAKABLE = re.compile(r"[a-z0-9_]{1,64}")


class ReadRequest(NamedTuple):
    """A request that can be scored.

    Attributes:
        request: duplicates dropped, and every session with its local day in `started_on`.
        as_of: the day of the score, resolved.
        findings: doubts, in the order of the request.
    """

    request: ScoreRequest
    as_of: date
    findings: list[Finding]


def read_request(
    body: bytes,
    *,
    today: date,
    as_of: date | None = None,
    unknown_fields: UnknownFields = "refuse",
    faults_enough: int = FAULTS_ENOUGH,
) -> ReadRequest:
    """Reads one request.

    Args:
        body: JSON in UTF-8.
        today: the day in UTC; only the default and the bounds of `as_of` read it.
        as_of: the day of the score where the request names none; bounded as if it were the request's own.
        unknown_fields: refuse them, or report each as a finding and go on without it.
        faults_enough: once there are more, no others are looked for; 0 for whoever only tells the first.

    Raises:
        InvalidInputError: with every fault by JSON Pointer, or with the first of them and some more.
    """
    try:
        request = ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        return _read_faulty(
            body, error, today=today, as_of=as_of, unknown_fields=unknown_fields, faults_enough=faults_enough
        )
    return settle_request(request, today=today, as_of=as_of)


def settle_request(request: ScoreRequest, *, today: date, as_of: date | None = None) -> ReadRequest:
    """The same for a request that was parsed already, beside other things: checked as a whole, and its days resolved.

    Raises:
        InvalidInputError: with every fault by JSON Pointer.
    """
    faults: list[Fault] = []
    findings: list[Finding] = []
    settled = _settle(request, today, as_of, faults, findings)
    if faults:
        raise InvalidInputError(faults)
    return ReadRequest(*settled, findings)


def _settle(
    request: ScoreRequest, today: date, beside: date | None, faults: list[Fault], findings: list[Finding]
) -> tuple[ScoreRequest, date]:
    """Resolves days, drops duplicates, and collects what no single field can show."""
    training = request.training
    zone = find_time_zone(training.time_zone, faults)
    sessions = training.sessions or []
    days = told_days = [session.started_on for session in sessions]
    moments = [session.started_at for session in sessions]
    if not all(told_days) or any(moments):
        days = [_local_day(session, place, zone, faults, findings) for place, session in enumerate(sessions)]
    as_of = _resolve_as_of(request.as_of or beside, days, today, faults)
    check_profile(request.runner, faults)
    duplicates = check_sessions(sessions, days, as_of, faults, findings)
    check_training(training, sessions, days, as_of, faults, findings)
    if not duplicates and all(told_days):
        return request, as_of
    settled = [
        session if session.started_on else session.model_copy(update={"started_on": day})
        for place, (session, day) in enumerate(zip(sessions, days, strict=True))
        if place not in duplicates
    ]
    return request.model_copy(update={"training": training.model_copy(update={"sessions": settled})}), as_of


def _resolve_as_of(given: date | None, days: list[date | None], today: date, faults: list[Fault]) -> date:
    tomorrow = today + timedelta(days=1)
    if given is None:
        last = max((day for day in days if day is not None and day <= tomorrow), default=today)
        return max(last, today)
    if given < FIRST_DAY or given > tomorrow:
        faults.append(
            Fault("/as_of", "out-of-range", "The day must not be before 2000 or more than one day ahead of UTC.")
        )
        return today  # so that the rest can be looked at too
    return given


def _local_day(
    session: Session, place: int, zone: ZoneInfo | None, faults: list[Fault], findings: list[Finding]
) -> date | None:
    moment = session.started_at
    if moment is None:
        if session.started_on is None:
            faults.append(
                Fault(f"/training/sessions/{place}", "missing", "A session needs 'started_on' or 'started_at'.")
            )
        return session.started_on
    try:
        day = _day_of(moment, place, zone, findings if session.started_on is None else None)
    except OverflowError:
        pointer = f"/training/sessions/{place}/started_at"
        faults.append(Fault(pointer, "out-of-range", "No calendar holds the local day of this moment."))
        return session.started_on
    if session.started_on is not None and session.started_on != day:
        faults.append(
            Fault(f"/training/sessions/{place}/started_on", "contradiction", "It is not the local day of 'started_at'.")
        )
    return session.started_on or day


def _day_of(moment: datetime, place: int, zone: ZoneInfo | None, findings: list[Finding] | None) -> date:
    if moment.utcoffset():
        return moment.date()
    if zone is not None:
        return moment.astimezone(zone).date()
    if findings is not None:
        findings.append(
            Finding(
                severity="info",
                code="local-day-unsure",
                pointer=f"/training/sessions/{place}/started_at",
                message="The start is given in UTC without a time zone, so the day in UTC was taken for the local day.",
            )
        )
    return moment.date()


# --- the slow way: something is wrong, so look until everything that is wrong has been named -------------------------

_CODES: dict[str, str] = {
    "missing": "missing",
    "extra_forbidden": "unknown-field",
    "finite_number": "not-finite",
    "literal_error": "not-a-choice",
    "string_pattern_mismatch": "malformed",
    "too_long": "too-many",
    "string_too_long": "too-long",
    "string_too_short": "too-short",
    "timezone_aware": "missing-offset",
    "json_invalid": "not-json",
    "greater_than_equal": "out-of-range",
    "less_than_equal": "out-of-range",
}


def fault_code(kind: str) -> str:
    """The code of a fault that the model found, by what its library calls it."""
    if kind in _CODES:
        return _CODES[kind]
    return (
        "not-a-date"
        if kind.startswith(("date_", "datetime_", "timezone_")) and not kind.endswith("_type")
        else "wrong-type"
    )


def _is_deeper(raw: object, most: int) -> bool:
    level = [raw]
    for _ in range(most):
        within = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [each for told in within for each in told if isinstance(each, dict | list)]
    return bool(level)


def _read_faulty(
    body: bytes,
    error: ValidationError,
    *,
    today: date,
    as_of: date | None,
    unknown_fields: UnknownFields,
    faults_enough: int,
) -> ReadRequest:
    """Names every fault: what was named is taken out, and the rest is looked at again; `error` is of the first look."""
    try:
        raw = from_json(body, allow_inf_nan=True)
    except ValueError:
        raise InvalidInputError([Fault("", "not-json", "The body is not JSON in UTF-8.")]) from None
    if not isinstance(raw, dict):
        raise InvalidInputError([Fault("", "wrong-type", "The body must be a JSON object.")])
    # Only here: what the model knows is not nested so deep, so whatever is has to be an unknown field or a wrong type.
    if _is_deeper(raw, DEPTH_MOST):
        raise InvalidInputError([Fault("", "too-deep", f"Objects and lists nest at most {DEPTH_MOST} deep.")])
    faults: list[Fault] = []
    findings: list[Finding] = []
    seen: set[tuple[int | str, ...]] = set()
    rounds = 0
    looked: ScoreRequest | ValidationError = error
    while True:
        rounds += 1
        if isinstance(looked, ValidationError):
            for found in looked.errors(include_url=False, include_context=False, include_input=False):
                _name(found, faults, findings, unknown_fields, is_repeated=found["loc"] in seen)
                _take_out(raw, found["loc"], is_repeated=found["loc"] in seen)
                seen.add(found["loc"])
            if len(faults) > faults_enough or rounds == ROUNDS_MAX:
                raise InvalidInputError(faults)
            looked = _look_again(raw)
            continue
        more: list[Fault] = []
        settled = _settle(looked, today, as_of, more, findings)
        named = [fault.pointer for fault in faults]
        faults += [fault for fault in more if not _follows_from_what_was_taken_out(fault, named)]
        if faults:
            raise InvalidInputError(faults)
        return ReadRequest(*settled, findings)


def _look_again(raw: dict[str, JsonValue]) -> ScoreRequest | ValidationError:
    try:
        return ScoreRequest.model_validate_json(to_json(raw, inf_nan_mode="constants"))
    except ValidationError as error:
        return error


def _follows_from_what_was_taken_out(fault: Fault, named: list[str]) -> bool:
    """Whether a session only lacks its day because a faulty day was named and taken out before."""
    return fault.code == "missing" and any(pointer.startswith(f"{fault.pointer}/started_") for pointer in named)


def _name(
    found: ErrorDetails,
    faults: list[Fault],
    findings: list[Finding],
    unknown_fields: UnknownFields,
    *,
    is_repeated: bool,
) -> None:
    if is_repeated:
        return
    code = fault_code(found["type"])
    pointer = fault_pointer(found["loc"])
    if code == UNKNOWN_FIELD and unknown_fields == "report":
        note_unknown_field(findings, pointer=pointer)
        return
    detail = "This service does not know this field." if code == "unknown-field" else f"{found['msg']}."
    faults.append(Fault(pointer, code, detail))


def note_unknown_field(findings: list[Finding], *, pointer: str) -> None:
    """Adds the finding that a field was passed over; of very many, that there were more."""
    if len(findings) < FINDINGS_MAX:
        message = "This service does not know this field; it was passed over."
        findings.append(Finding(severity="warning", code=UNKNOWN_FIELD, pointer=pointer, message=message))
    elif len(findings) == FINDINGS_MAX:
        message = "More fields were passed over that this service does not know."
        findings.append(Finding(severity="warning", code=UNKNOWN_FIELDS_LEFT_OUT, pointer="", message=message))


def fault_pointer(loc: tuple[int | str, ...]) -> str:
    """A JSON Pointer; a name that a caller made up is repeated only if it is short and plain."""
    parts: list[str] = []
    for part in loc:
        if isinstance(part, str) and not _SPEAKABLE.fullmatch(part):
            break
        parts.append(f"/{part}")
    return "".join(parts)


def _take_out(raw: dict[str, JsonValue], loc: tuple[int | str, ...], *, is_repeated: bool) -> None:
    """Takes what was found faulty out of the request, so that the next look finds what it hid."""
    if is_repeated and len(loc) > 1:
        loc = loc[:-1]  # null would not do there either: take out what holds it
    owner: JsonValue = raw
    for part in loc[:-1]:
        owner = _step(owner, part)
    if isinstance(owner, dict):
        _empty(owner, str(loc[-1]), loc)
    elif isinstance(owner, list):  # pragma: no branch - faults stand in objects and lists alone
        owner[int(loc[-1])] = {"started_on": "2000-01-01"} if loc[:-1] == ("training", "sessions") else None


def _step(owner: JsonValue, part: int | str) -> JsonValue:
    if isinstance(owner, dict) and isinstance(part, str):
        return owner.get(part)
    return owner[part] if isinstance(owner, list) and isinstance(part, int) else None


def _empty(owner: dict[str, JsonValue], name: str, loc: tuple[int | str, ...]) -> None:
    member = owner.get(name)
    if loc in (("runner",), ("training",)):
        owner[name] = {}
    elif loc == ("training", "planned_run", "distance_m"):
        owner[name] = 0
    elif loc == ("training", "sessions") and isinstance(member, list):
        owner[name] = member[:SESSIONS_MAX]
    elif loc == ("training", "weekly_distance_m") and isinstance(member, list):
        owner[name] = member[-WEEKS_MAX:]
    elif name in owner:
        del owner[name]
