"""What people decide about published versions: activate, cancel, withdraw. Each is one more row, with its reason."""

import asyncio
from datetime import UTC, datetime
from typing import Final, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import (
    DirectRoute,
    ensure_acceptable,
    held_rules,
    ledgers_of,
    read_headers,
    read_query,
    rules_in_force,
)
from app.api.permissions import caller_of, needs
from app.api.responses import (
    ACTIVATED_RESPONSE,
    CANCELLED_RESPONSE,
    IF_MATCH_PARAMETER,
    SEQUENCE_PARAMETER,
    VERSION_PARAMETER,
    WITHDRAWN_RESPONSE,
    json_body,
    problem_responses,
)
from app.api.rule_sets import NoQuery
from app.api.told import REASON_LENGTH, answer_now, describe_activation, describe_withdrawal, read_tags, read_told
from app.errors import UnknownActivationError
from app.runners.profile import Told

router = APIRouter(prefix="/v1", tags=["rule sets"], route_class=DirectRoute)

REFUSALS: Final = (400, 404, 406, 408, 409, 412, 413, 415, 422, 503)
_NO_SUCH_SEQUENCE: Final = -1


class ReasonTold(Told):
    """Why it is done."""

    reason: str = Field(
        description="Why, for whoever reads the ledger later, in characters that can be printed.",
        examples=["Reviewed by both of us."],
        json_schema_extra=REASON_LENGTH,
    )


class ActivationTold(ReasonTold):
    """From when on a version is in force, and why."""

    effective_at: AwareDatetime | None = Field(
        default=None,
        description="From when on, with an offset, at most 90 days ahead; at once where it is left out or null.",
        examples=["2026-12-01T03:00:00Z"],
    )
    keep_scheduled: bool = Field(
        default=False,
        description="Whether what is scheduled still takes effect at its time. Else an activation at once cancels all "
        "of it, and a scheduled one outranks what was decided before it.",
    )


@router.post(
    "/rule-sets/{version}:activate",
    operation_id="activate_rule_set",
    summary="Put a version in force",
    description=(
        "At once, or from `effective_at` on. Rolling back is activating an older version. Later decisions win: in "
        "force at a moment is the highest `sequence` among those whose `effective_at` has come and that nobody "
        "cancelled. An activation at once cancels everything that is scheduled, unless `keep_scheduled`: then each of "
        "those is decided again behind it, under a new sequence that `/activations` shows. `outranks` names what is "
        "scheduled and, because of this, will not take effect.\n\nEvery replica scores by "
        "it within its poll time. `If-Match` with the ETag of `/v1/rule-sets/activations` refuses (412) what somebody "
        "else's decision has overtaken. 409 where it would change nothing."
    ),
    status_code=201,
    response_class=Response,
    responses={201: ACTIVATED_RESPONSE, **problem_responses(*REFUSALS)},
    openapi_extra={
        "parameters": [VERSION_PARAMETER, IF_MATCH_PARAMETER],
        "requestBody": json_body("ActivationTold", "Why, and from when on."),
    },
)
@needs("rules:activate")
async def activate_rule_set(request: Request) -> Response:
    """Puts a version in force."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    read_query(NoQuery, request.scope)
    told = await read_told(request, headers, ActivationTold)
    version = request.path_params["version"]
    # A version that this release cannot score by must not be put in force from here.
    await held_rules(request, version=version, now=datetime.now(UTC))
    schedule: Literal["keep", "cancel"] = "keep" if told.keep_scheduled else "cancel"
    activated = await asyncio.to_thread(
        ledgers_of(request).activate,
        version,
        reason=told.reason,
        by=caller_of(request.scope).owner,
        effective_at=told.effective_at,
        schedule=schedule,
        expected_sequence=_expected(headers),
    )
    await rules_in_force(request).look()
    outranks = [each.sequence for each in activated.outranked]
    return answer_now(describe_activation(activated.activation, outranks=outranks), status=201)


@router.post(
    "/rule-sets/activations/{sequence}:cancel",
    operation_id="cancel_activation",
    summary="Take a scheduled activation back",
    description=(
        "Adds a row that cancels it. Only what has not taken effect is cancelled (else 409): what is in force is "
        "rolled back by activating an older version. `If-Match` as for `:activate`."
    ),
    status_code=201,
    response_class=Response,
    responses={201: CANCELLED_RESPONSE, **problem_responses(*REFUSALS)},
    openapi_extra={
        "parameters": [SEQUENCE_PARAMETER, IF_MATCH_PARAMETER],
        "requestBody": json_body("ReasonTold", "Why."),
    },
)
@needs("rules:activate")
async def cancel_activation(request: Request) -> Response:
    """Takes a scheduled activation back."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    read_query(NoQuery, request.scope)
    told = await read_told(request, headers, ReasonTold)
    row = await asyncio.to_thread(
        ledgers_of(request).cancel,
        _sequence(request.path_params["sequence"]),
        reason=told.reason,
        by=caller_of(request.scope).owner,
        expected_sequence=_expected(headers),
    )
    await rules_in_force(request).look()
    return answer_now(describe_activation(row), status=201)


@router.post(
    "/rule-sets/{version}:withdraw",
    operation_id="withdraw_rule_set",
    summary="Withdraw a version",
    description=(
        "Says that nobody should use it any more. It stays readable, and pinning it still scores, with the finding "
        "`rule-set-withdrawn`; it is never activated again. Not for a version that is in force or scheduled (409)."
    ),
    status_code=201,
    response_class=Response,
    responses={201: WITHDRAWN_RESPONSE, **problem_responses(*(status for status in REFUSALS if status != 412))},
    openapi_extra={"parameters": [VERSION_PARAMETER], "requestBody": json_body("ReasonTold", "Why.")},
)
@needs("rules:activate")
async def withdraw_rule_set(request: Request) -> Response:
    """Withdraws a version."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    read_query(NoQuery, request.scope)
    told = await read_told(request, headers, ReasonTold)
    withdrawal = await asyncio.to_thread(
        ledgers_of(request).withdraw,
        request.path_params["version"],
        reason=told.reason,
        by=caller_of(request.scope).owner,
    )
    await rules_in_force(request).look()
    return answer_now(describe_withdrawal(withdrawal), status=201)


def _sequence(told: str) -> int:
    """The number in an address; what no ledger can hold is not asked for."""
    if not (told.isascii() and told.isdecimal() and len(told) < 10):
        raise UnknownActivationError
    return int(told)


def _expected(headers: dict[bytes, bytes]) -> int | None:
    """The last decision that the caller knows; None where it does not matter."""
    tags = read_tags(headers.get(b"if-match"))
    if tags is None or "*" in tags:
        return None
    known = [int(tag) for tag in tags if tag.isascii() and tag.isdecimal() and len(tag) < 10]
    return max(known, default=_NO_SUCH_SEQUENCE)
