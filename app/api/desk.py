"""The desk: rule sets that are being written, their checks, and how they are published."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import (
    JSON,
    YAML,
    DirectRoute,
    Query,
    desk_of,
    ensure_acceptable,
    examiner_of,
    is_json,
    ledgers_of,
    query_parameters,
    read_headers,
    read_query,
    settings_of,
    store_of,
)
from app.api.limits import read_body
from app.api.permissions import caller_of, needs
from app.api.problems import VARY, UnsupportedMediaTypeError
from app.api.responses import (
    CHECKED_RESPONSE,
    DRAFT_BODY,
    DRAFT_IF_MATCH_PARAMETER,
    DRAFT_IF_NONE_MATCH_PARAMETER,
    DRAFT_NAME_PARAMETER,
    DRAFT_RESPONSE,
    DRAFTS_RESPONSE,
    PUBLISHED_RESPONSE,
    SAVED_RESPONSE,
    THROWN_AWAY,
    json_body,
    problem_responses,
)
from app.api.rule_sets import NoQuery, write_version
from app.api.told import (
    REASON_LENGTH,
    answer_list,
    answer_now,
    read_cursor,
    read_tags,
    read_told,
    write_cursor,
    write_moment,
)
from app.errors import UnknownDraftError, UnknownRuleSetError, VersionTakenError
from app.rule_sets.documents import DOCUMENT_BYTES_MAX, canonical_bytes, digest_of, ensure_some_rule_set, read_document
from app.rule_sets.drafts import Draft, Guard
from app.rule_sets.examining import ensure_publishable
from app.rule_sets.ledgers import Publication
from app.rule_sets.lifecycle import (
    VERSION_FORM,
    ensure_draft_name_form,
    ensure_expected_digest,
    ensure_reason,
    ensure_second_person,
    ensure_version_form,
)
from app.rule_sets.store import PublishedRuleSet
from app.rule_sets.stray_requests import ensure_no_runner
from app.runners.profile import Told

router = APIRouter(prefix="/v1/rule-set-drafts", tags=["desk"], route_class=DirectRoute)

_YAML_NAMES: Final = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")


class DraftsQuery(Query):
    """Which part of the list of drafts."""

    limit: Annotated[int, Field(default=50, ge=1, le=100, description="How many at most.")]
    cursor: Annotated[
        str | None, Field(default=None, description="`next` of the page before; leave it out for the first page.")
    ]


class PublicationTold(Told):
    """Under which version a draft is published, and why."""

    version: str = Field(
        description="Year and number; yours to choose, once.",
        pattern=r"^[0-9]{4}\.[0-9]+$",
        examples=["2026.2"],
        json_schema_extra={"pattern": f"^{VERSION_FORM.pattern}$"},
    )
    reason: str = Field(
        description="Why, for whoever reads the ledger later, in characters that can be printed.",
        examples=["Two new cohorts on sleep."],
        json_schema_extra=REASON_LENGTH,
    )
    draft_digest: str | None = Field(
        default=None,
        description="Digest of the draft that you have checked: another one is not published (412).",
        examples=["sha256:80558d65ad6f1b68f5bb00d2275e09d7f01c9fb50ed0df0d3d3de79fde098698"],
    )


@router.get(
    "",
    operation_id="list_drafts",
    summary="Rule sets that are being written",
    description="By name, without their documents.",
    response_class=Response,
    responses={200: DRAFTS_RESPONSE, **problem_responses(400, 406, 422, 503)},
    openapi_extra={"parameters": query_parameters(DraftsQuery)},
)
@needs("rules:write")
def list_drafts(request: Request) -> Response:
    """Drafts, page by page."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    query = read_query(DraftsQuery, request.scope)
    after = None if query.cursor is None else read_cursor(query.cursor, "d")
    drafts = desk_of(request).drafts(limit=query.limit + 1, after=after)
    items = [_describe(draft) for draft in drafts[: query.limit]]
    more = len(drafts) > query.limit
    return answer_list(items, write_cursor("d", drafts[query.limit - 1].name) if more else None)


@router.put(
    "/{name}",
    operation_id="save_draft",
    summary="Write a draft",
    description=(
        "The body is the document, in YAML or JSON, at most 1 MiB; it is kept as it is sent, comments included. It has "
        "to be readable (no anchors, tags or duplicate keys) and to hold some member of a rule set and none that only "
        "requests for a score have, and need not be right yet: `:check` says what is missing.\n\n"
        "A draft that exists is replaced by somebody who has seen it: send its ETag as `If-Match` (else "
        "428; stale: 412). `If-None-Match: *` makes a new one only. The same body again is answered with 200. Every "
        "editor counts as an author."
    ),
    response_class=Response,
    responses={
        200: SAVED_RESPONSE,
        201: SAVED_RESPONSE,
        **problem_responses(400, 406, 408, 412, 413, 415, 422, 428, 503),
    },
    openapi_extra={
        "parameters": [DRAFT_NAME_PARAMETER, DRAFT_IF_MATCH_PARAMETER, DRAFT_IF_NONE_MATCH_PARAMETER],
        "requestBody": DRAFT_BODY,
    },
)
@needs("rules:write")
async def save_draft(request: Request) -> Response:
    """Writes a draft."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    read_query(NoQuery, request.scope)
    media_type = _media_type_of(headers.get(b"content-type"))
    name = request.path_params["name"]
    ensure_draft_name_form(name)
    settings = settings_of(request)
    body = await read_body(request.receive, headers, limit_bytes=DOCUMENT_BYTES_MAX, timeout_s=settings.body_timeout_s)
    owner = caller_of(request.scope).owner
    digest = await asyncio.to_thread(_digest_of, body, media_type)
    text = body.decode("utf-8-sig").encode("utf-8")
    draft = Draft(name, media_type, digest, (owner,), datetime.now(UTC), owner, text)
    saved = await asyncio.to_thread(desk_of(request).save, draft, guard=_guard(headers))
    status = 201 if saved.outcome == "made" else 200
    location = {"Location": f"/v1/rule-set-drafts/{name}"} if status == 201 else {}
    return answer_now(_describe(saved.draft), status=status, headers={"ETag": f'"{saved.draft.etag}"', **location})


@router.get(
    "/{name}",
    operation_id="get_draft",
    summary="One draft",
    description="The document as it was sent, in the media type that it was sent in.",
    response_class=Response,
    responses={200: DRAFT_RESPONSE, **problem_responses(404, 406, 422, 503)},
    openapi_extra={"parameters": [DRAFT_NAME_PARAMETER]},
)
@needs("rules:write")
def get_draft(request: Request) -> Response:
    """One draft, as its author wrote it."""
    read_query(NoQuery, request.scope)
    draft = desk_of(request).draft(request.path_params["name"])
    ensure_acceptable(read_headers(request.scope), (draft.media_type,))
    about = {"ETag": f'"{draft.etag}"', "Cache-Control": "no-cache", "Vary": VARY}
    return Response(draft.body, headers=about, media_type=draft.media_type)


@router.delete(
    "/{name}",
    operation_id="delete_draft",
    summary="Throw a draft away",
    description="What was published from it stays. `If-Match` is honoured.",
    response_class=Response,
    status_code=204,
    responses={204: THROWN_AWAY, **problem_responses(404, 406, 412, 422, 503)},
    openapi_extra={"parameters": [DRAFT_NAME_PARAMETER, DRAFT_IF_MATCH_PARAMETER]},
)
@needs("rules:write")
def delete_draft(request: Request) -> Response:
    """Throws a draft away."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    read_query(NoQuery, request.scope)
    guard = _guard(headers)
    desk_of(request).throw_away(request.path_params["name"], guard=guard)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.post(
    "/{name}:check",
    operation_id="check_draft",
    summary="Check a draft",
    description=(
        "Looks for everything that would keep it from being published (`error`) and for what its author should look at "
        "(`warning`), where it can with a `counterexample`: a request for `POST /v1/scores` in whose answer the fault "
        "can be seen. `digest` is what a version made of this draft will have; `draft_digest` is the same, under the "
        "name by which `:publish` takes it.\n\nDone in a process of its own: at most 60 s and 512 MiB, one at a time "
        "and four that wait; then 503 `overloaded`."
    ),
    response_class=Response,
    responses={200: CHECKED_RESPONSE, **problem_responses(404, 406, 422, 503)},
    openapi_extra={"parameters": [DRAFT_NAME_PARAMETER]},
)
@needs("rules:write")
async def check_draft(request: Request) -> Response:
    """Checks a draft."""
    ensure_acceptable(read_headers(request.scope))
    read_query(NoQuery, request.scope)
    draft = await asyncio.to_thread(desk_of(request).draft, request.path_params["name"])
    predecessors = await asyncio.to_thread(store_of(request).documents)
    found = await examiner_of(request).examine(draft, predecessors=predecessors)
    told: dict[str, Any] = {
        "ok": all(each["severity"] != "error" for each in found),
        "name": draft.name,
        "digest": draft.digest,
        "draft_digest": draft.digest,
        "findings": found,
    }
    return answer_now(told, headers={"ETag": f'"{draft.etag}"'})


@router.post(
    "/{name}:publish",
    operation_id="publish_draft",
    summary="Publish a draft as a version",
    description=(
        "Adds a version to the ledger, for ever; it is not in force until somebody activates it. Refused with every "
        "finding (422 `rule-set-refused`, in `findings`) where a check fails. The same draft, version and publisher "
        "again is answered with 200 and the version. The draft stays."
    ),
    response_class=Response,
    responses={
        200: PUBLISHED_RESPONSE,
        201: PUBLISHED_RESPONSE,
        **problem_responses(400, 404, 406, 408, 409, 412, 413, 415, 422, 503),
    },
    openapi_extra={
        "parameters": [DRAFT_NAME_PARAMETER],
        "requestBody": json_body("PublicationTold", "Under which version, and why."),
    },
)
@needs("rules:publish")
async def publish_draft(request: Request) -> Response:
    """Publishes a draft as a version."""
    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    read_query(NoQuery, request.scope)
    told = await read_told(request, headers, PublicationTold)
    ensure_version_form(told.version)
    ensure_reason(told.reason)
    async with examiner_of(request).turn(told.version):
        return await _publish(request, told)


async def _publish(request: Request, told: PublicationTold) -> Response:
    name, owner = request.path_params["name"], caller_of(request.scope).owner
    store = store_of(request)
    standing = await asyncio.to_thread(_standing, request, told.version)
    try:
        draft = await asyncio.to_thread(desk_of(request).draft, name)
    except UnknownDraftError:
        # It may be gone since it was published: a lost answer can be asked for all the same.
        if standing is None or (standing.draft, standing.published_by) != (name, owner):
            raise
        ensure_expected_digest(standing.digest, expected=told.draft_digest)
        return _answer_published(standing, status=200)
    ensure_expected_digest(draft.digest, expected=told.draft_digest)
    if standing is not None and standing.digest != draft.digest:  # before a minute is spent on looking at it
        raise VersionTakenError(told.version)
    second_person = settings_of(request).second_person_rule
    ensure_second_person(owner, authors=draft.editors, second_person=second_person)
    if standing is None:
        predecessors = await asyncio.to_thread(store.documents)
        ensure_publishable(await examiner_of(request).examine(draft, predecessors=predecessors))
    canonical = await asyncio.to_thread(_canonical_of, draft.body, draft.media_type)
    publication = Publication(told.version, draft.digest, canonical, owner, draft.editors, told.reason, name)
    published = await asyncio.to_thread(ledgers_of(request).publish, publication)
    version = await asyncio.to_thread(store.version, told.version)
    return _answer_published(version, status=201 if published.outcome == "published" else 200)


def _standing(request: Request, version: str) -> PublishedRuleSet | None:
    try:
        return store_of(request).version(version)
    except UnknownRuleSetError:
        return None


def _answer_published(published: PublishedRuleSet, *, status: int) -> Response:
    headers = {
        "Location": f"/v1/rule-sets/{published.version}",
        "ETag": f'"{published.digest}.json"',
        "Cache-Control": "no-store",
        "Vary": VARY,
    }
    return Response(write_version(published, JSON), status_code=status, headers=headers, media_type=JSON)


def _media_type_of(content_type: bytes | None) -> str:
    """What a draft is written in.

    Raises:
        UnsupportedMediaTypeError: neither YAML nor JSON, or it does not say.
    """
    if content_type is not None:
        if is_json(content_type):
            return JSON
        if content_type.decode("latin-1").partition(";")[0].strip().lower() in _YAML_NAMES:
            return YAML
    raise UnsupportedMediaTypeError(
        "A draft comes as Content-Type: application/yaml or application/json.", read=(YAML, JSON)
    )


def _canonical_of(body: bytes, media_type: str) -> bytes:
    return canonical_bytes(read_document(body, media_type=media_type))


def _digest_of(body: bytes, media_type: str) -> str:
    document = read_document(body, media_type=media_type)
    ensure_some_rule_set(document)
    ensure_no_runner(document)
    return digest_of(canonical_bytes(document))


def _guard(headers: dict[bytes, bytes]) -> Guard:
    return Guard(read_tags(headers.get(b"if-match")), read_tags(headers.get(b"if-none-match")))


def _describe(draft: Draft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "digest": draft.digest,
        "media_type": draft.media_type,
        "editors": list(draft.editors),
        "updated_at": write_moment(draft.updated_at),
        "updated_by": draft.updated_by,
        "etag": draft.etag,
    }
