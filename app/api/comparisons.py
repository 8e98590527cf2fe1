"""`GET` and `POST /v1/rule-sets/{a}:compare?with={b}`: what two versions say otherwise, and who changes level.

Both are worked out in a process of its own. A posted cohort goes there as it comes in, is scored twice and forgotten;
each of its runners counts as one of the key's rate.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.batch import JSONL, LINE_MOST_BYTES
from app.api.batch_lines import LineCutter, rows_of
from app.api.deps import (
    JSON,
    DirectRoute,
    Query,
    answer_cacheable,
    ensure_acceptable,
    is_json,
    query_parameters,
    rates_of,
    read_headers,
    read_query,
    strong_etag,
    workshop_of,
    write_json,
)
from app.api.front_door import TOLD
from app.api.limits import coding_of
from app.api.permissions import needs
from app.api.problems import VARY, UnloadableRuleSetError, UnsupportedMediaTypeError
from app.api.published_work import kept_work, published_version, rules_of
from app.api.responses import COHORT_BODY, COMPARISON_RESPONSE, NOT_MODIFIED, VERSION_PARAMETER, problem_responses
from app.api.streams import Inlet
from app.errors import InvalidRuleSetError
from app.rule_sets.job_rules import Rules
from app.workshop import Workshop

router = APIRouter(prefix="/v1", tags=["rule sets"], route_class=DirectRoute)


class ComparisonQuery(Query):
    """With which version."""

    with_: Annotated[
        str,
        Field(alias="with", description="The version to compare with: what would change by it.", examples=["2026.2"]),
    ]


_PARAMETERS: Final[list[dict[str, Any]]] = [
    VERSION_PARAMETER,
    *({**each, "required": True} for each in query_parameters(ComparisonQuery)),
]


@router.get(
    "/rule-sets/{version}:compare",
    operation_id="compare_rule_sets",
    summary="What another version would change",
    description=(
        "Factor by factor (added, removed, changed, with points by band and joint before and after), and over people: "
        "the reference population, 10,000 made-up runners and 1,000 at its edges. Level moves as a matrix by joint, "
        "shares that go up and down, by which factor, and the five whose score moves most, as requests that anyone can "
        "post to `/v1/scores`. Withdrawn versions can be compared too."
    ),
    response_class=Response,
    responses={200: COMPARISON_RESPONSE, 304: NOT_MODIFIED, **problem_responses(404, 406, 422, 503)},
    openapi_extra={"parameters": _PARAMETERS},
)
@needs("rules:read")
async def compare_rule_sets(request: Request) -> Response:
    """What another version would change, over the reference population."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    before, after = await _both(request)
    make = partial(_work_out, workshop_of(request), before, after)
    body = await kept_work(request).body(("comparison", before[:2], after[:2]), make)
    return answer_cacheable(headers, body, media_type=JSON, etag=strong_etag(body), cache_control="no-cache")


@router.post(
    "/rule-sets/{version}:compare",
    operation_id="compare_rule_sets_over_cohort",
    summary="What another version would change for a cohort",
    description=(
        "The same over your own runners, a request a line (or the `request` of a batch row). They are scored as they "
        "come in, in a process of its own, and none is kept: of those whose score moves most only rows and factors are "
        "told. A row that cannot be scored is counted under the codes of its faults. Who is not done after a minute is "
        "refused: send a part. Each row counts as one runner of the key's rate, though two versions score it; a cohort "
        "beyond what is left is refused whole, and what was read of it until then counts."
    ),
    response_class=Response,
    responses={200: COMPARISON_RESPONSE, **problem_responses(400, 404, 406, 415, 422, 429, 503)},
    openapi_extra={"parameters": _PARAMETERS, "requestBody": COHORT_BODY},
)
@needs("rules:read")
async def compare_rule_sets_over_cohort(request: Request) -> Response:
    """What another version would change for the runners that are sent."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    content_type = headers.get(b"content-type")
    if content_type is not None and not is_json(content_type.lower().replace(JSONL.encode(), JSON.encode())):
        raise UnsupportedMediaTypeError(f"A cohort is read as {JSONL}, a request a line, in UTF-8.", read=(JSONL,))
    inlet = Inlet(request.receive, coding=coding_of(headers))
    before, after = await _both(request)
    # The log line holds one version: that of the address.
    request.scope[TOLD].update(rule_set=before.version, runners=0)
    # Here and below: a start does without what compares.
    from app.rule_sets.comparison import compare_with_cohort

    today = datetime.now(UTC).date().isoformat()
    try:
        told = await workshop_of(request).run(
            compare_with_cohort, before, after, today, chunks=_charged(request, inlet)
        )
    except InvalidRuleSetError:
        raise UnloadableRuleSetError from None
    return Response(write_json(told), headers={"Cache-Control": "no-store", "Vary": VARY}, media_type=JSON)


async def _charged(request: Request, inlet: Inlet) -> AsyncIterator[bytes]:
    """The body piece by piece, each charged for the rows that end in it before it is handed on.

    Raises:
        RateLimitedError: the caller has not as many runners left.
        ClientDisconnect, MalformedCallError: as of the inlet.
    """
    cutter = LineCutter(line_most_bytes=LINE_MOST_BYTES)
    async for piece in inlet.pieces():
        _charge(request, len(rows_of(cutter.cut(piece))))
        yield piece
    _charge(request, len(rows_of(cutter.rest())))


def _charge(request: Request, runners: int) -> None:
    if runners:
        rates_of(request).charge(request.scope, runners=runners)
        request.scope[TOLD]["runners"] += runners


async def _both(request: Request) -> tuple[Rules, Rules]:
    query = read_query(ComparisonQuery, request.scope)
    before = await published_version(request, request.path_params["version"])
    after = await published_version(request, query.with_)
    return rules_of(before), rules_of(after)


async def _work_out(workshop: Workshop, before: Rules, after: Rules) -> bytes:
    from app.rule_sets.comparison import compare_with_population

    return write_json(await workshop.run(compare_with_population, before, after))
