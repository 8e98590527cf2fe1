"""`GET /v1/rule-sets/{version}/testpack`: cases by which a port or another deployment proves that it scores alike."""

from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import (
    JSON,
    RULE_SET_HEADER,
    DirectRoute,
    answer_cacheable,
    ensure_acceptable,
    read_headers,
    read_query,
    strong_etag,
    workshop_of,
)
from app.api.permissions import needs
from app.api.published_work import kept_work, published_version, rules_of
from app.api.responses import NOT_MODIFIED, TESTPACK_RESPONSE, VERSION_PARAMETER, problem_responses
from app.api.rule_sets import NoQuery

router = APIRouter(prefix="/v1", tags=["rule sets"], route_class=DirectRoute)

JSONL: Final = "application/jsonl"


@router.get(
    "/rule-sets/{version}/testpack",
    operation_id="get_testpack",
    summary="Cases with whole expected answers",
    description=(
        "Runners on both sides of every cut, every two bands of two factors together, and some drawn at random, each "
        "with the whole `codes` answer (without its receipt, so nothing hangs on a release). As one JSON object or, by "
        "`Accept: application/jsonl`, a head and a case a line, so that a small port can read it line by line. "
        "`joint-risk rules verify-testpack` replays one against any address. About 5 MB, 140 kB packed."
    ),
    response_class=Response,
    responses={200: TESTPACK_RESPONSE, 304: NOT_MODIFIED, **problem_responses(404, 406, 422, 503)},
    openapi_extra={"parameters": [VERSION_PARAMETER]},
)
@needs("rules:read")
async def get_testpack(request: Request) -> Response:
    """The test pack of one published rule set."""
    headers = read_headers(request.scope)
    media_type = ensure_acceptable(headers, (JSON, JSONL))
    read_query(NoQuery, request.scope)
    # Here: a start does without what makes up cases.
    from app.rule_sets.testpack import join_testpack, write_testpack

    rules = rules_of(await published_version(request, request.path_params["version"]))
    make = partial(workshop_of(request).run, write_testpack, rules)
    lines = await kept_work(request).body(("testpack", *rules[:2]), make)
    body = lines if media_type == JSONL else join_testpack(lines)
    # Not for ever: a later release may draw more cases from the same rules.
    return answer_cacheable(
        headers,
        body,
        media_type=media_type,
        etag=strong_etag(body),
        cache_control="no-cache",
        more={RULE_SET_HEADER: f"{rules.version};{rules.digest}"},
    )
