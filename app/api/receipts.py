"""`POST /v1/scores:verify`: whether this service gives the same answer to a request as the one that was kept.

Stores nothing. The rules are those of the version that is told, from memory or else from the store.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import (
    JSON,
    RULE_SET_HEADER,
    DirectRoute,
    ensure_acceptable,
    held_rules,
    is_json,
    rates_of,
    read_headers,
    read_query,
    rules_in_force,
    settings_of,
    write_json,
)
from app.api.front_door import TOLD
from app.api.limits import read_body
from app.api.permissions import needs
from app.api.problems import VARY, UnsupportedMediaTypeError
from app.api.responses import VERDICT_RESPONSE, VERIFICATION_BODY, problem_responses
from app.api.rule_sets import NoQuery
from app.api.scores import LARGE_BODY_BYTES
from app.receipts import read_verification, verify_answer

Result = TypeVar("Result")

router = APIRouter(prefix="/v1", tags=["scores"], route_class=DirectRoute)

BODIES = 2
"""A request of the most that one may hold, and as much again for its receipt and its answer."""


@router.post(
    "/scores:verify",
    operation_id="verify_score",
    summary="Verify an answer by its receipt",
    description=(
        "Scores the request anew by the rules of the answer, on the day and with the least evidence of the receipt, "
        "and says whether the same answer comes of it. The receipt covers the numbers: another language or a better "
        "sentence makes no difference. With `answer`, `differs` holds JSON Pointers to what is not the same, at most "
        "100; without, it is null. It proves that the answer follows from the rules, not who sent it."
    ),
    response_class=Response,
    responses={200: VERDICT_RESPONSE, **problem_responses(404, 406, 408, 413, 415, 422, 429, 503)},
    openapi_extra={"requestBody": VERIFICATION_BODY},
)
@needs("score")
async def verify_score(request: Request) -> Response:
    """Verifies an answer by its receipt."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    content_type = headers.get(b"content-type")
    if content_type is not None and not is_json(content_type):
        raise UnsupportedMediaTypeError
    read_query(NoQuery, request.scope)
    now = datetime.now(UTC)
    settings = settings_of(request)
    rates_of(request).charge(request.scope, runners=1)
    body = await read_body(
        request.receive, headers, limit_bytes=BODIES * settings.body_limit_bytes, timeout_s=settings.body_timeout_s
    )
    told = await _paced(body, lambda: read_verification(body))
    held = await held_rules(request, version=told.rule_set.version, now=now)
    request.scope[TOLD].update(rule_set=held.rules.version, runners=1)
    rules = await rules_in_force(request).narrowed(held.rules, told.receipt.min_evidence)
    verdict = await _paced(body, lambda: verify_answer(rules, told, today=now.date()))
    answer_headers = {
        RULE_SET_HEADER: f"{rules.version};{rules.digest}",
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    return Response(write_json(verdict._asdict()), headers=answer_headers, media_type=JSON)


async def _paced(body: bytes, work: Callable[[], Result]) -> Result:
    """In a thread where the body is so large that others would have to wait."""
    return work() if len(body) <= LARGE_BODY_BYTES else await asyncio.to_thread(work)
