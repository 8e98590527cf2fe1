"""Every refusal leaves as one shape: RFC 9457 problem details with a stable slug, all faults at once, and no values.

    {"type": "urn:joint-risk:problem:<slug>", "title", "status", "detail", "instance": "<request id>",
     "errors": [{"pointer", "code", "detail"}], "errors_left_out": 0}

Two tables decide: `STATUS_OF` for errors of ours, `KIND_OF` for what the framework refuses (no route, no such method).
`pointer` is a JSON Pointer into the body; a fault of the address has `/query/<name>` instead, which no body can have,
because a body's members are `as_of`, `runner` and `training`.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount, Route
from starlette.types import Scope as AsgiScope

from app.access import Caller, Scope
from app.errors import (
    AlreadyInForceError,
    ChangedRunError,
    DigestTakenError,
    Fault,
    FaultyError,
    GuardMissingError,
    InvalidInputError,
    InvalidRuleSetError,
    InvalidSettingsError,
    JointRiskError,
    LedgerRefusedError,
    NoRuleSetError,
    NotScheduledError,
    OverloadedError,
    RuleSetInUseError,
    RuleSetWithdrawnError,
    SchemaAheadError,
    SchemaBehindError,
    SecondPersonNeededError,
    StaleError,
    StoreAwayError,
    UnknownActivationError,
    UnknownDraftError,
    UnknownKeyError,
    UnknownRuleSetError,
    UnreadableFileError,
    UnreadableTrainingError,
    UnusableFileError,
    VersionTakenError,
    WorkDiedError,
    WorkTimedOutError,
    WorkTooLargeError,
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:joint-risk:problem:"
ERRORS_MOST = 100
VARY = "Accept, Accept-Language, Accept-Encoding, Authorization"
REQUEST_ID = "joint_risk.request_id"
"""Where the request id stands in the ASGI scope."""
RETRY_AFTER_S = "joint_risk.retry_after_s"
"""Where the ASGI scope says when it is worth trying again."""
SPEAKABLE = re.compile(r"[a-z0-9_]{1,64}")
"""Names that a caller made up are repeated only in this form; anything else could carry a runner's data."""

NO_KEY = "This call needs a key. Send it as Authorization: Bearer jrk_…"
_CHALLENGE = 'Bearer realm="joint-risk"'

FOREIGN_HOST = (
    "Without keys this service answers only as localhost or by its address, so that no web page can reach it under a "
    "name of its own. Call it by its address, or set up keys."
)
FORWARDED = (
    "Without keys this service answers only this machine, and the call was forwarded for somebody else. Set up keys, "
    "or JOINT_RISK_AUTH=off behind a gateway that checks who calls."
)


class RefusedCallError(JointRiskError):
    """The call was refused before anybody looked at what it says; `headers` go out with the answer."""

    headers: Mapping[str, str] = {}


class MalformedCallError(RefusedCallError):
    """The call does not hold together: a cursor that no list gave out, or a body that does not unpack."""

    slug = "malformed"


class NotAcceptableError(RefusedCallError):
    """None of the media types that the caller accepts can be written here."""

    slug = "not-acceptable"

    def __init__(self, offered: Iterable[str]) -> None:
        super().__init__(f"This address answers in {' or '.join(offered)} only. Send such an Accept header, or none.")


class BodyTooLargeError(RefusedCallError):
    """The body is larger than this address takes, as sent or after unpacking."""

    slug = "too-large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body may hold {limit_bytes} bytes at most, counted after unpacking.")


class UnsupportedMediaTypeError(RefusedCallError):
    """The body is not in a media type that this address reads."""

    slug = "unsupported-media-type"

    def __init__(
        self,
        message: str = "The body must be JSON in UTF-8. Send Content-Type: application/json.",
        *,
        read: tuple[str, ...] = ("application/json",),
    ) -> None:
        super().__init__(message)
        self.headers = {"Accept-Post": ", ".join(read)}


class UnsupportedEncodingError(RefusedCallError):
    """The body is packed in a way that is not unpacked here."""

    slug = "unsupported-encoding"
    headers = {"Accept-Encoding": "gzip, identity"}

    def __init__(self) -> None:
        super().__init__("A body may come as it is or packed with gzip, in no other Content-Encoding.")


class UnloadableRuleSetError(RefusedCallError):
    """The rule set is published, and this release cannot load it: it reads a feature that is not there, say."""

    slug = "rule-set-unloadable"

    def __init__(self) -> None:
        super().__init__("This release cannot load the rule set. A replica of a later one may; or pin another version.")


class RateLimitedError(RefusedCallError):
    """The key has asked for as many runners as it may in this minute, or its address for too many wrong ones."""

    slug = "rate-limited"

    def __init__(
        self, message: str = "This key has too few runners left in this minute. Send it again after Retry-After."
    ) -> None:
        super().__init__(message)


class SlowBodyError(RefusedCallError):
    """The body did not come in within the time that is waited for it."""

    slug = "too-slow"
    headers = {"Connection": "close"}

    def __init__(self) -> None:
        super().__init__("The body did not come in within the time that is waited for one. Send it again, at once.")


class HostRefusedError(RefusedCallError):
    """Without keys only this machine is served, by its own names; the call was meant for another name or forwarded."""

    slug = "host-refused"


class NoKeyError(RefusedCallError):
    """The call needs a key, and there is none with it, or none that is good."""

    slug = "no-key"

    def __init__(self, message: str, *, is_wrong: bool = False) -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"' if is_wrong else _CHALLENGE}


class ScopeMissingError(RefusedCallError):
    """The caller is known, and may not do this."""

    slug = "scope-missing"

    def __init__(self, needed: Scope, caller: Caller) -> None:
        whose = "JOINT_RISK_AUTH_OFF_SCOPES does not name" if caller.prefix is None else "The key does not have"
        super().__init__(f"{whose} the scope {needed}, which this call needs.")
        self.headers = {"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope", scope="{needed}"'}


class DrainingError(RefusedCallError):
    """The process is on its way out, and a stream ends before all of it is answered."""

    slug = "draining"

    def __init__(self) -> None:
        super().__init__("This replica is stopping. Rows after this line were not scored: send them again.")


STATUS_OF: dict[type[JointRiskError], int] = {
    InvalidInputError: 422,
    InvalidRuleSetError: 422,
    InvalidSettingsError: 500,
    UnknownRuleSetError: 404,
    NoRuleSetError: 503,
    StoreAwayError: 503,
    SchemaBehindError: 503,
    SchemaAheadError: 503,
    UnloadableRuleSetError: 503,
    UnreadableFileError: 500,
    UnusableFileError: 500,
    ChangedRunError: 500,
    UnknownDraftError: 404,
    UnknownActivationError: 404,
    VersionTakenError: 409,
    DigestTakenError: 409,
    AlreadyInForceError: 409,
    NotScheduledError: 409,
    RuleSetWithdrawnError: 409,
    RuleSetInUseError: 409,
    SecondPersonNeededError: 403,
    StaleError: 412,
    GuardMissingError: 428,
    LedgerRefusedError: 409,
    OverloadedError: 503,
    WorkTimedOutError: 503,
    WorkTooLargeError: 422,
    WorkDiedError: 503,
    UnreadableTrainingError: 422,
    MalformedCallError: 400,
    NotAcceptableError: 406,
    BodyTooLargeError: 413,
    UnsupportedMediaTypeError: 415,
    UnsupportedEncodingError: 415,
    HostRefusedError: 421,
    RateLimitedError: 429,
    SlowBodyError: 408,
    NoKeyError: 401,
    ScopeMissingError: 403,
    UnknownKeyError: 500,
    DrainingError: 503,
}

TITLE_OF: dict[str, str] = {
    "draining": "This replica is stopping",
    "host-refused": "Not served under this name",
    "internal": "Something went wrong here",
    "invalid-input": "What was sent cannot be used as it is",
    "malformed": "The call does not hold together",
    "method-not-allowed": "Not with this method",
    "no-key": "A key is needed",
    "no-rule-set": "No rules in force yet",
    "not-acceptable": "Not in this media type",
    "not-found": "Nothing here",
    "address-too-long": "The address is too long",
    "head-too-large": "The head of the call is too large",
    "overloaded": "No room now",
    "rate-limited": "Too many runners in this minute",
    "rule-set-refused": "The rule set cannot be used as it is",
    "rule-set-unloadable": "This release cannot load the rule set",
    "schema-ahead": "The store is newer than this release",
    "schema-behind": "The store needs migrating",
    "scope-missing": "The key is not for this",
    "store-away": "The store does not answer",
    "too-large": "The body is too large",
    "too-slow": "Too slow",
    "unknown-rule-set": "No such rule set",
    "unreadable-training": "The training file cannot be read",
    "unknown-draft": "No such draft",
    "unknown-activation": "No such activation",
    "version-taken": "The version is taken",
    "digest-taken": "The document is published already",
    "already-in-force": "It is in force already",
    "not-scheduled": "It is not scheduled",
    "rule-set-withdrawn": "The version was withdrawn",
    "rule-set-in-use": "The version is in use",
    "second-person-needed": "Somebody else has to do this",
    "precondition-failed": "It has changed in between",
    "precondition-required": "Say what you have seen",
    "ledger-refused": "The ledger refused it",
    "unsupported-encoding": "Packed in an unknown way",
    "unsupported-media-type": "Not in a media type that is read here",
    "work-died": "The work ended before it was done",
    "work-timed-out": "The work took too long",
    "work-too-large": "The work needs too much memory",
}


class Kind(NamedTuple):
    """What a refusal of the framework's is called here."""

    slug: str
    detail: str


KIND_OF: dict[int, Kind] = {
    400: Kind("malformed", "The call does not hold together."),
    404: Kind("not-found", "There is nothing at this address. The addresses are listed at /docs."),
    405: Kind("method-not-allowed", "This address does not know the method; Allow lists those that it knows."),
    406: Kind("not-acceptable", "This address cannot answer in a media type that the caller accepts."),
    408: Kind("too-slow", "The call did not come in within the time that is waited for one."),
    413: Kind("too-large", "The body is too large."),
    414: Kind("address-too-long", "The address is longer than this service reads."),
    415: Kind("unsupported-media-type", "The body is not in a media type that this address reads."),
    431: Kind("head-too-large", "The headers are more than this service reads."),
}
_INTERNAL = Kind(
    "internal", "An error of this service, not of the call. It was logged under the request id, without what was sent."
)

UNMATCHED = "unmatched"


def write_problem(
    scope: AsgiScope,
    *,
    status: int,
    slug: str,
    detail: str,
    faults: Iterable[Fault] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """The answer to a call that is refused; at most 100 faults stand in it, and how many more there were."""
    listed = list(faults)
    body: dict[str, object] = {
        "type": f"{TYPE_PREFIX}{slug}",
        "title": TITLE_OF[slug],
        "status": status,
        "detail": detail,
        "instance": scope.get(REQUEST_ID, ""),
        "errors": [fault._asdict() for fault in listed[:ERRORS_MOST]],
        "errors_left_out": max(0, len(listed) - ERRORS_MOST),
        **(more or {}),
    }
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        all_headers["Retry-After"] = str(math.ceil(scope.get(RETRY_AFTER_S, 1)))
    return Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        status_code=status,
        headers=all_headers,
        media_type=MEDIA_TYPE,
    )


def problem_of(scope: AsgiScope, error: JointRiskError) -> Response:
    """The problem that an error of ours becomes; one that callers have no part in says no more than `internal`."""
    status = STATUS_OF[type(error)]
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return internal_problem(scope)
    faults = error.faults if isinstance(error, FaultyError) else ()
    headers = error.headers if isinstance(error, RefusedCallError) else None
    more = {"findings": error.findings} if isinstance(error, InvalidRuleSetError) and error.findings else None
    return write_problem(
        scope, status=status, slug=error.slug, detail=error.message, faults=faults, headers=headers, more=more
    )


def internal_problem(scope: AsgiScope) -> Response:
    """The problem that an error nobody foresaw becomes."""
    return write_problem(scope, status=500, slug=_INTERNAL.slug, detail=_INTERNAL.detail)


def template_of(scope: AsgiScope) -> str:
    """The route's address with its gaps unfilled, so that a log line never holds what a caller wrote into a path."""
    route = scope.get("route")
    return route.path if isinstance(route, Route | Mount) else UNMATCHED


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every refusal, ours and the framework's, leave in the one shape."""
    app.add_exception_handler(JointRiskError, _answer_ours)
    app.add_exception_handler(HTTPException, _answer_framework)
    app.add_exception_handler(RequestValidationError, _answer_unread)


async def _answer_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, JointRiskError)
    return problem_of(request.scope, error)


async def _answer_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code not in KIND_OF:
        return internal_problem(request.scope)
    slug, detail = KIND_OF[error.status_code]
    headers = {"Allow": _allowed(request)} if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else None
    return write_problem(request.scope, status=error.status_code, slug=slug, detail=detail, headers=headers)


async def _answer_unread(request: Request, error: Exception) -> Response:
    """FastAPI's own refusal of a parameter; its message may repeat what was sent, so only place and kind go on."""
    assert isinstance(error, RequestValidationError)
    faults = []
    for found in error.errors():
        place, *names = (str(part) for part in found["loc"])
        pointer = "".join(
            f"/{name}" for name in ([] if place == "body" else [place]) + names if SPEAKABLE.fullmatch(name)
        )
        faults.append(Fault(pointer, str(found["type"]).replace("_", "-"), "This cannot be used as it is."))
    return problem_of(request.scope, InvalidInputError(faults))


def _allowed(request: Request) -> str:
    """Every method that some route at this address knows; HEAD goes wherever GET does."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(dict(request.scope))[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
