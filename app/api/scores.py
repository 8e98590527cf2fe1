"""`POST /v1/scores`: one runner in, one answer out. Stores nothing, asks no database, and reads the clock once.

The walk of a call: headers, query, body, rules in force, `read_request`, `assess`, `render`.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, TypeVar, cast

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import (
    JSON,
    LANGUAGE_TAG,
    RULE_SET_HEADER,
    DirectRoute,
    Prepared,
    Query,
    choose_language,
    ensure_acceptable,
    held_rules,
    is_json,
    notes_on,
    query_parameters,
    rates_of,
    read_headers,
    read_query,
    rules_in_force,
    settings_of,
    telemetry_of,
)
from app.api.front_door import TOLD
from app.api.limits import read_body
from app.api.permissions import needs
from app.api.problems import VARY, UnsupportedMediaTypeError
from app.api.responses import REQUEST_BODY, SCORE_RESPONSE, problem_responses
from app.errors import Fault, InvalidInputError
from app.runners import UnknownFields, read_request
from app.scoring.assessment import render
from app.scoring.compiled import CompiledRuleSet
from app.scoring.engine import Assessment, assess
from app.telemetry import Telemetry

router = APIRouter(prefix="/v1", tags=["scores"], route_class=DirectRoute)

LARGE_BODY_BYTES: Final = 65_536
"""Sixty days of running are a tenth of this; what is larger can take seconds to find every fault in."""

Result = TypeVar("Result")
AnswerHeaders = tuple[tuple[bytes, bytes], ...]


class ScoreQuery(Query):
    """How a runner is scored and how much is said about it."""

    rule_set: Annotated[
        str | None,
        Field(
            default=None,
            description="Version of the rules to score by; else those in force. An unknown one is 404.",
            examples=["2026.1"],
        ),
    ]
    min_evidence: Annotated[
        Literal["low", "moderate"] | None,
        Field(default=None, description="Leaves out every factor whose evidence for the joint is weaker than this."),
    ]
    lang: Annotated[
        str | None,
        Field(
            default=None,
            pattern=LANGUAGE_TAG,
            description="Language of the texts; before `Accept-Language`. English where the rule set does not speak "
            "it: see `Content-Language`.",
            examples=["en"],
        ),
    ]
    detail: Annotated[
        Literal["full", "codes", "scores"],
        Field(
            default="full",
            description="How much is said: `full` with texts and sources; `codes` with ids and numbers only, whose "
            "texts are at `/v1/rule-sets/{version}/texts`; `scores` with the scores and the referral alone.",
        ),
    ]


@router.post(
    "/scores",
    operation_id="score_runner",
    summary="Score one runner",
    description=(
        "Scores the knees and the lower back of one runner, and says why, how sure that is, what to do, and when to "
        "see a professional instead.\n\nPure: nothing is stored, and the same request by the same rules gives the same "
        "answer, so retry freely. `Prefer: handling=lenient` turns an unknown field into the finding `unknown-field`; "
        "without it, the request is refused. The rules are settled when the call begins: `Joint-Rule-Set` names them."
    ),
    response_class=Response,
    responses={200: SCORE_RESPONSE, **problem_responses(404, 406, 408, 413, 415, 422, 429, 503)},
    openapi_extra={"parameters": query_parameters(ScoreQuery), "requestBody": REQUEST_BODY},
)
@needs("score")
async def score_runner(request: Request) -> Response:
    """Scores one runner."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    content_type = headers.get(b"content-type")
    # A body that says nothing of itself is taken for JSON; one that says it is something else is believed.
    if content_type is not None and not is_json(content_type):
        raise UnsupportedMediaTypeError
    now = datetime.now(UTC)
    unknown_fields = unknown_fields_of(headers)
    try:
        query = read_query(ScoreQuery, request.scope)
    except InvalidInputError as refused:
        body = await _read(request, headers)
        faults = await _paced(body, lambda: _faults_of(body, today=now.date(), unknown_fields=unknown_fields))
        raise InvalidInputError([*refused.faults, *faults]) from None
    held = await held_rules(request, version=query.rule_set, now=now)
    rules = held.rules
    if query.min_evidence is not None:
        rules = await rules_in_force(request).narrowed(rules, query.min_evidence)
    language = choose_language(held, query.lang, headers.get(b"accept-language"))
    rates_of(request).charge(request.scope, runners=1)
    request.scope[TOLD].update(rule_set=rules.version, runners=1)
    telemetry = telemetry_of(request)
    body = await _read(request, headers)

    notes = notes_on(request, held)

    def answer() -> bytes:
        told = read_request(body, today=now.date(), unknown_fields=unknown_fields)
        assessment = assess(rules, told.request, as_of=told.as_of, findings=[*notes, *told.findings])
        count_scores(telemetry, assessment)
        return render(assessment, detail=query.detail, language=language)

    answer_headers = headers_of(rules, language)
    if unknown_fields == "report":
        answer_headers = (*answer_headers, (b"preference-applied", b"handling=lenient"))
    return Prepared(await _paced(body, answer), answer_headers)


async def _read(request: Request, headers: dict[bytes, bytes]) -> bytes:
    settings = settings_of(request)
    return await read_body(
        request.receive, headers, limit_bytes=settings.body_limit_bytes, timeout_s=settings.body_timeout_s
    )


def count_scores(telemetry: Telemetry, assessment: Assessment) -> None:
    """Counts what was answered for one runner: statuses and levels by joint, and findings by code."""
    joints = assessment.grading.joints
    telemetry.count_scores(
        {joint: (assessed.status, assessed.level) for joint, assessed in joints.items()},
        digest=assessment.rules.digest,
        codes=[finding.code for finding in assessment.findings],
    )


async def _paced(body: bytes, work: Callable[[], Result]) -> Result:
    """Does the work of a call at once, or in a thread where the body is so large that others would have to wait."""
    return work() if len(body) <= LARGE_BODY_BYTES else await asyncio.to_thread(work)


def headers_of(rules: CompiledRuleSet, language: str) -> AnswerHeaders:
    """The headers of every answer by these rules, made once and kept with them."""
    name = f"answer-headers:{language}"
    kept = rules.carried.get(name)
    if kept is None:
        kept = rules.carried[name] = (
            (b"content-type", JSON.encode()),
            (RULE_SET_HEADER.lower().encode(), f"{rules.version};{rules.digest}".encode()),
            (b"cache-control", b"no-store"),
            (b"content-language", language.encode()),
            (b"vary", VARY.encode()),
        )
    return cast(AnswerHeaders, kept)


def unknown_fields_of(headers: dict[bytes, bytes]) -> UnknownFields:
    """What is done with a field that this service does not know: `Prefer: handling=lenient` passes it over."""
    prefer = headers.get(b"prefer")
    return "report" if prefer is not None and _is_lenient(prefer) else "refuse"


def _is_lenient(prefer: bytes) -> bool:
    wishes = [wish.strip().replace(" ", "") for wish in prefer.decode("latin-1").lower().replace(";", ",").split(",")]
    return "handling=lenient" in wishes


def _faults_of(body: bytes, *, today: date, unknown_fields: UnknownFields) -> list[Fault]:
    """The faults of a body whose address is at fault already: all of them come at once."""
    try:
        read_request(body, today=today, unknown_fields=unknown_fields)
    except InvalidInputError as refused:
        return refused.faults
    return []
