"""Which rules there are, which are in force, what they read and what they say: all that a published version answers.

A version never changes, so its body may be kept for ever; whatever depends on the moment must be asked again. Versions
that this process holds are answered from memory, also while the store is away; lists are always the store's.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final, cast

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import (
    JSON,
    LANGUAGE_TAG,
    RULE_SET_HEADER,
    YAML,
    DirectRoute,
    Query,
    answer_cacheable,
    choose_language,
    ensure_acceptable,
    ensure_version,
    held_rules,
    query_parameters,
    read_headers,
    read_query,
    rules_in_force,
    store_of,
    strong_etag,
)
from app.api.permissions import needs
from app.api.responses import (
    ACTIVATIONS_RESPONSE,
    FACTORS_RESPONSE,
    NOT_MODIFIED,
    RULE_SET_RESPONSE,
    RULE_SETS_RESPONSE,
    TEXTS_RESPONSE,
    VERSION_PARAMETER,
    problem_responses,
)
from app.api.texts import describe_texts
from app.api.told import (
    ASK_AGAIN,
    answer_list,
    describe_activation,
    describe_entry,
    describe_withdrawal,
    read_cursor,
    unknown_cursor,
    write_cursor,
    write_json,
)
from app.errors import Fault, InvalidInputError, JointRiskError, UnknownRuleSetError
from app.rule_sets.in_force import Held
from app.rule_sets.lifecycle import derive_outranked
from app.rule_sets.store import PublishedRuleSet, RuleSetEntry
from app.scoring.factors_catalogue import describe_inputs

router = APIRouter(prefix="/v1", tags=["rule sets"], route_class=DirectRoute)

FOR_EVER: Final = "private, max-age=31536000, immutable"

_EXTENSION: Final = {JSON: "json", YAML: "yaml"}


class NoQuery(Query):
    """An address without parameters."""


class PageQuery(Query):
    """Which part of a list."""

    limit: Annotated[int, Field(default=50, ge=1, le=100, description="How many at most.")]
    cursor: Annotated[
        str | None, Field(default=None, description="`next` of the page before; leave it out for the first page.")
    ]


class ActivationsQuery(PageQuery):
    """Which part of the ledger, or which row of it."""

    at: Annotated[
        str | None,
        Field(
            default=None,
            description="A moment with an offset: only the row that was, is or will be in force then is listed.",
            examples=["2026-11-25T12:00:00Z"],
        ),
    ]


class LanguageQuery(Query):
    """In which language."""

    lang: Annotated[
        str | None,
        Field(
            default=None,
            pattern=LANGUAGE_TAG,
            description="Language of the texts; before `Accept-Language`. English where the rules do not speak it.",
            examples=["en"],
        ),
    ]


class FactorsQuery(LanguageQuery):
    """Of which version, in which language."""

    rule_set: Annotated[
        str | None,
        Field(default=None, description="Version of the rules; else those in force.", examples=["2026.1"]),
    ]


# ------------------------------------------------------------------------------------------------------- routes


@router.get(
    "/factors",
    operation_id="list_factors",
    summary="Every input that the rules read",
    description=(
        "What may be sent of a runner, to build a form from: meaning, unit, range or choices, what it is used for "
        "(`score`, `suspension`, `advice`, `shown`), whether it is sensitive, how many points it can move each joint "
        "(`span`), and what happens without it (`if_absent`)."
    ),
    response_class=Response,
    responses={200: FACTORS_RESPONSE, **problem_responses(404, 406, 422, 503)},
    openapi_extra={"parameters": query_parameters(FactorsQuery)},
)
@needs("rules:read")
async def list_factors(request: Request) -> Response:
    """Every input that the rules read."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    query = read_query(FactorsQuery, request.scope)
    held = await held_rules(request, version=query.rule_set, now=datetime.now(UTC))
    language = choose_language(held, query.lang, headers.get(b"accept-language"))
    body = await _kept(held, f"factors:{language}", lambda: write_json(describe_inputs(held.rules, language)))
    return answer_cacheable(
        headers,
        body,
        media_type=JSON,
        etag=strong_etag(body),
        cache_control=ASK_AGAIN,
        more={"Content-Language": language, RULE_SET_HEADER: _name_of(held.published)},
    )


@router.get(
    "/rule-sets",
    operation_id="list_rule_sets",
    summary="Published rule sets",
    description="Highest version first, without their documents. `active` is whether this replica scores by it now.",
    response_class=Response,
    responses={200: RULE_SETS_RESPONSE, **problem_responses(400, 406, 422, 503)},
    openapi_extra={"parameters": query_parameters(PageQuery)},
)
@needs("rules:read")
def list_rule_sets(request: Request) -> Response:
    """Published rule sets, page by page."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    query = read_query(PageQuery, request.scope)
    before = None if query.cursor is None else read_cursor(query.cursor, "v")
    try:
        entries = store_of(request).versions(limit=query.limit + 1, before=before)
    except UnknownRuleSetError:
        raise unknown_cursor() from None
    active = _active_version(request)
    withdrawn = {row.version: describe_withdrawal(row) for row in store_of(request).withdrawals()}
    items = [
        {**describe_entry(entry), "active": entry.version == active, "withdrawal": withdrawn.get(entry.version)}
        for entry in entries[: query.limit]
    ]
    more = len(entries) > query.limit
    return answer_list(items, write_cursor("v", entries[query.limit - 1].version) if more else None)


@router.get(
    "/rule-sets/active",
    operation_id="get_active_rule_set",
    summary="The rule set in force",
    description=(
        "The version that this replica scores by now: the same body as at its own address, which `Content-Location` "
        "names. Every replica looks for a newer activation every few seconds. JSON, or YAML by "
        "`Accept: application/yaml`."
    ),
    response_class=Response,
    responses={200: RULE_SET_RESPONSE, 304: NOT_MODIFIED, **problem_responses(406, 422, 503)},
)
@needs("rules:read")
async def get_active_rule_set(request: Request) -> Response:
    """The rule set in force."""
    held = await held_rules(request, version=None, now=datetime.now(UTC))
    location = {"Content-Location": f"/v1/rule-sets/{held.published.version}"}
    return await _answer_version(request, held.published, held, cache_control=ASK_AGAIN, more=location)


@router.get(
    "/rule-sets/activations",
    operation_id="list_activations",
    summary="The ledger of activations",
    description=(
        "Newest first. In force at a moment is the highest `sequence` among those whose `effective_at` has come and "
        "that nobody cancelled; `active` marks it for now. `outranked_by` marks what is scheduled and will not take "
        "effect, because what was decided later holds by then. A row that only cancels has no version. `ETag` is the "
        "last sequence."
    ),
    response_class=Response,
    responses={200: ACTIVATIONS_RESPONSE, **problem_responses(400, 406, 422, 503)},
    openapi_extra={"parameters": query_parameters(ActivationsQuery)},
)
@needs("rules:read")
def list_activations(request: Request) -> Response:
    """The ledger of activations, page by page."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    query = read_query(ActivationsQuery, request.scope)
    store = store_of(request)
    before = None
    if query.cursor is not None:
        sequence = read_cursor(query.cursor, "a")
        if not (sequence.isascii() and sequence.isdecimal()):
            raise unknown_cursor()
        before = int(sequence)
    # Asked before the rows: a row that comes in between makes the validator stale, never the rows.
    last = store.last_sequence()
    if query.at is not None:
        row = store.in_force(_moment_of(query.at))
        rows = [] if row is None else [row]
    else:
        rows = store.activations(limit=query.limit + 1, before=before)
    now = datetime.now(UTC)
    now_in_force = store.in_force(now)
    active = None if now_in_force is None else now_in_force.sequence
    held_by = derive_outranked(now_in_force, store.scheduled(now))
    items = [
        {
            **describe_activation(row, outranks=(each for each, by in held_by.items() if by == row.sequence)),
            "active": row.sequence == active,
            "outranked_by": held_by.get(row.sequence),
        }
        for row in rows[: query.limit]
    ]
    more = len(rows) > query.limit
    # No 304 by this validator: a schedule takes effect without a new row, and `active` moves with it.
    return answer_list(
        items, write_cursor("a", str(rows[query.limit - 1].sequence)) if more else None, etag=f'"{last}"'
    )


@router.get(
    "/rule-sets/{version}",
    operation_id="get_rule_set",
    summary="One published rule set",
    description=(
        "Never changes: keep it as long as you like. The bytes of `document` in the JSON form are the canonical ones "
        "(RFC 8785) that `digest` was made of. JSON, or YAML by `Accept: application/yaml`."
    ),
    response_class=Response,
    responses={
        200: RULE_SET_RESPONSE,
        304: NOT_MODIFIED,
        **problem_responses(404, 406, 422, 503),
    },
    openapi_extra={"parameters": [VERSION_PARAMETER]},
)
@needs("rules:read")
async def get_rule_set(request: Request) -> Response:
    """One published rule set."""
    version = request.path_params["version"]
    ensure_version(version)
    held = rules_in_force(request).held(version)
    # Not compiled for being read: that would push a version out which somebody scores by, and a set that this release
    # cannot load may still be looked at.
    published = await asyncio.to_thread(store_of(request).version, version) if held is None else held.published
    return await _answer_version(request, published, held, cache_control=FOR_EVER, more={})


@router.get(
    "/rule-sets/{version}/texts",
    operation_id="get_rule_set_texts",
    summary="The texts behind the ids",
    description="What an answer with `detail=codes` leaves out, by id: titles, texts, published effects, sources.",
    response_class=Response,
    responses={
        200: TEXTS_RESPONSE,
        304: NOT_MODIFIED,
        **problem_responses(404, 406, 422, 503),
    },
    openapi_extra={"parameters": [VERSION_PARAMETER, *query_parameters(LanguageQuery)]},
)
@needs("rules:read")
async def get_rule_set_texts(request: Request) -> Response:
    """The texts behind the ids of one published rule set."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    query = read_query(LanguageQuery, request.scope)
    held = await held_rules(request, version=request.path_params["version"], now=datetime.now(UTC))
    language = choose_language(held, query.lang, headers.get(b"accept-language"))
    body = await _kept(held, f"texts:{language}", lambda: write_json(describe_texts(held.rules, language)))
    return answer_cacheable(
        headers,
        body,
        media_type=JSON,
        etag=strong_etag(body),
        cache_control=FOR_EVER,
        more={"Content-Language": language, RULE_SET_HEADER: _name_of(held.published)},
    )


# ------------------------------------------------------------------------------------------------------- bodies


async def _answer_version(
    request: Request, published: PublishedRuleSet, held: Held | None, *, cache_control: str, more: dict[str, str]
) -> Response:
    headers = read_headers(request.scope)
    media_type = ensure_acceptable(headers, (JSON, YAML))
    read_query(NoQuery, request.scope)
    if held is None:
        body = await asyncio.to_thread(write_version, published, media_type)
    else:
        body = await _kept(held, f"body:{media_type}", lambda: write_version(published, media_type))
    return answer_cacheable(
        headers,
        body,
        media_type=media_type,
        etag=f'"{published.digest}.{_EXTENSION[media_type]}"',
        cache_control=cache_control,
        more={RULE_SET_HEADER: _name_of(published), **more},
    )


async def _kept(held: Held, name: str, write: Callable[[], bytes]) -> bytes:
    """A body that is written once for each version in memory, in a thread, and kept with the version."""
    body = held.rules.carried.get(name)
    if body is None:
        body = held.rules.carried[name] = await asyncio.to_thread(write)
    return cast(bytes, body)


def write_version(published: PublishedRuleSet, media_type: str) -> bytes:
    """The body of a version: its document's canonical bytes in JSON, the same document in YAML."""
    if media_type == JSON:
        return write_json(describe_entry(published))[:-1] + b',"document":' + published.canonical + b"}"
    told = {**describe_entry(published), "document": published.document}
    # Here: most ask for JSON, and a start does without what writes YAML.
    import yaml

    written: str = yaml.dump(
        told, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False, allow_unicode=True, width=120
    )
    return written.encode()


def _name_of(entry: RuleSetEntry) -> str:
    return f"{entry.version};{entry.digest}"


def _moment_of(told: str) -> datetime:
    """The moment that a parameter tells.

    Raises:
        InvalidInputError: it is none, or has no offset.
    """
    try:
        # In an address, an unescaped + is a blank.
        moment = datetime.fromisoformat(told.strip().replace(" ", "+"))
    except ValueError:
        raise InvalidInputError([Fault("/query/at", "not-a-date", "This is no date and time.")]) from None
    if moment.tzinfo is None:
        detail = "A moment needs an offset from UTC, or a Z."
        raise InvalidInputError([Fault("/query/at", "missing-offset", detail)])
    return moment


def _active_version(request: Request) -> str | None:
    try:
        return rules_in_force(request).active(datetime.now(UTC)).version
    except JointRiskError:
        return None
