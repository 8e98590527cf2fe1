"""`GET /v1/rule-sets/{version}/card`: what a version is for, what it rests on and what it cannot do, for programs and
people."""

import asyncio
import json
from datetime import UTC
from functools import partial
from typing import Any, Final

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
    store_of,
    strong_etag,
    workshop_of,
)
from app.api.permissions import needs
from app.api.published_work import kept_work, published_version, rules_of
from app.api.responses import CARD_RESPONSE, NOT_MODIFIED, VERSION_PARAMETER, problem_responses
from app.api.rule_sets import NoQuery
from app.rule_sets.job_rules import Rules
from app.rule_sets.store import RuleSetStore

router = APIRouter(prefix="/v1", tags=["rule sets"], route_class=DirectRoute)

HTML: Final = "text/html"
PREDECESSORS_MOST: Final = 20
"""Beyond so many versions below it, older ones are not looked at."""


@router.get(
    "/rule-sets/{version}/card",
    operation_id="get_card",
    summary="The card of a rule set",
    description=(
        "Intended use and what it is not for, the population that it speaks of, evidence by grade, known limits, "
        "differences from the version below it, and what this release's checks find. JSON, or a page to read by "
        "`Accept: text/html`. Not for ever: a version may still be published below it, and checks grow with releases."
    ),
    response_class=Response,
    responses={200: CARD_RESPONSE, 304: NOT_MODIFIED, **problem_responses(404, 406, 422, 503)},
    openapi_extra={"parameters": [VERSION_PARAMETER]},
)
@needs("rules:read")
async def get_card(request: Request) -> Response:
    """The card of one published rule set."""
    headers = read_headers(request.scope)
    media_type = ensure_acceptable(headers, (JSON, HTML))
    read_query(NoQuery, request.scope)
    # Here: a start does without what writes cards, and every check comes along with it.
    from app.rule_sets.card import write_card
    from app.rule_sets.card_page import POLICY, write_page

    published = await published_version(request, request.path_params["version"])
    rules = rules_of(published)
    about: dict[str, Any] = {
        "published_at": published.published_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "published_by": published.published_by,
        "reason": published.reason,
    }
    before = await asyncio.to_thread(_versions_below, store_of(request), published.version)
    make = partial(workshop_of(request).run, write_card, rules, about, before)
    body = await kept_work(request).body(("card", *rules[:2], *(each[:2] for each in before)), make)
    more = {RULE_SET_HEADER: f"{rules.version};{rules.digest}"}
    if media_type == HTML:
        body = write_page(json.loads(body))
        more["Content-Security-Policy"] = POLICY
    return answer_cacheable(
        headers, body, media_type=media_type, etag=strong_etag(body), cache_control="no-cache", more=more
    )


def _versions_below(store: RuleSetStore, version: str) -> list[Rules]:
    return [rules_of(store.version(each.version)) for each in store.versions(limit=PREDECESSORS_MOST, before=version)]
