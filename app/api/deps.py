"""What several routes need of a call: its headers and query read once, and the rules, from memory or from the store."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from inspect import iscoroutinefunction
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.held import KeysHeld
from app.api.permissions import Gate, permission_of
from app.api.problems import SPEAKABLE, VARY, NotAcceptableError, UnloadableRuleSetError
from app.api.rates import Rates
from app.errors import Fault, InvalidInputError, InvalidRuleSetError, UnknownRuleSetError
from app.rule_sets.drafts import DraftDesk
from app.rule_sets.examining import Examiner
from app.rule_sets.in_force import Held, RulesInForce
from app.rule_sets.ledgers import RuleSetLedgers
from app.rule_sets.store import RuleSetStore
from app.runners import Finding
from app.scoring.findings import WITHDRAWN
from app.scoring.rule_set import RuleSetDocument
from app.scoring.wording import language_of
from app.settings import Settings
from app.telemetry import Telemetry
from app.workshop import Workshop

JSON: Final = "application/json"
YAML: Final = "application/yaml"
RULE_SET_HEADER: Final = "Joint-Rule-Set"
LANGUAGE_TAG: Final = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"

# The store holds no longer number; what is not in this form was never published, and nobody needs to be asked.
_VERSION: Final = re.compile(r"[0-9]{4}\.(0|[1-9][0-9]{0,8})")
QUERY_FIELDS_MOST: Final = 32


class DirectRoute(APIRoute):
    """Hands the call to the endpoint as it is.

    FastAPI would collect parameters, dependencies and stacks to close, which costs a scoring call as much as reading
    the runner does. The endpoints here read what they need themselves; what FastAPI knows of a route it documents.
    Refusals are answered by the handlers around all routes, so none stand around each.

    Raises:
        TypeError: the endpoint does not say who may call it, by `@needs(scope)` or `@public`.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        self.permission = permission_of(endpoint)
        super().__init__(path, endpoint, **told)
        if iscoroutinefunction(endpoint):  # one that blocks stays with what runs it in a thread
            self.app = _answering(endpoint)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the call is for this route; a colon in an address begins what is to be done, and fills no gap."""
        if not self.param_convertors:  # nothing to fill in: to compare costs a third of what it takes to search
            if get_route_path(scope) != self.path:
                return Match.NONE, {}
            found = Match.FULL if scope["method"] in (self.methods or ()) else Match.PARTIAL
            return found, {"endpoint": self.endpoint, "path_params": {}, "route": self}
        match, told = super().matches(scope)
        if match is not Match.NONE and any(":" in str(filled) for filled in told["path_params"].values()):
            return Match.NONE, {}
        return match, told

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Asks who calls before anything of the call is read."""
        if scope["method"] in (self.methods or ()):
            cast(Gate, scope["app"].state.gate).admit(scope, self.permission)
            await self.app(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    def get_route_handler(self) -> Any:
        """The endpoint itself, which takes the request and returns the response."""
        return self.endpoint


def _answering(endpoint: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


# ------------------------------------------------------------------------------------------ what the process holds


def rules_in_force(request: Request) -> RulesInForce:
    """The rules that this process scores with."""
    return cast(RulesInForce, request.app.state.rules)


def store_of(request: Request) -> RuleSetStore:
    """The store; it blocks, so only routes that run in a thread ask it."""
    return cast(RuleSetStore, request.app.state.store)


def ledgers_of(request: Request) -> RuleSetLedgers:
    """The ledgers, to be written; they block, so they are asked in a thread."""
    return cast(RuleSetLedgers, request.app.state.ledgers)


def desk_of(request: Request) -> DraftDesk:
    """The drafts; they block, so they are asked in a thread."""
    return cast(DraftDesk, request.app.state.desk)


def examiner_of(request: Request) -> Examiner:
    """Who looks at drafts, in a process beside this one."""
    return cast(Examiner, request.app.state.examiner)


def workshop_of(request: Request) -> Workshop:
    """Where slow work about rule sets is done, in processes beside this one."""
    return cast(Workshop, request.app.state.workshop)


def settings_of(request: Request) -> Settings:
    """The settings of this process."""
    return cast(Settings, request.app.state.settings)


def keys_held(request: Request) -> KeysHeld:
    """The keys that this process lets in."""
    return cast(KeysHeld, request.app.state.keys)


def telemetry_of(request: Request) -> Telemetry:
    """The numbers of this process."""
    return cast(Telemetry, request.app.state.telemetry)


def rates_of(request: Request) -> Rates:
    """How much each key may still ask for."""
    return cast(Rates, request.app.state.rates)


async def held_rules(request: Request, *, version: str | None, now: datetime) -> Held:
    """The rules of a version, or the rules in force; they stay the same for the whole call, whatever the poll finds.

    Raises:
        UnknownRuleSetError: no such version was published.
        StoreAwayError: the version is not in memory, and the store does not answer.
        NoRuleSetError, SchemaBehindError, SchemaAheadError: nothing was ever loaded.
        UnloadableRuleSetError: this release cannot load it.
    """
    rules = rules_in_force(request)
    try:
        if version is None:
            return rules.active_held(now)
        ensure_version(version)
        return rules.held(version) or await rules.fetch(version)
    except InvalidRuleSetError:
        raise UnloadableRuleSetError from None


def notes_on(request: Request, held: Held) -> tuple[Finding, ...]:
    """What every answer by these rules has to say of them, to be handed to `assess` before what the request shows."""
    return (WITHDRAWN,) if rules_in_force(request).is_withdrawn(held.published.version) else ()


def ensure_version(version: str) -> None:
    """Raises UnknownRuleSetError for what is no version's name, without asking anybody."""
    if not _VERSION.fullmatch(version):
        raise UnknownRuleSetError(version)


# ------------------------------------------------------------------------------------------------------- headers


def read_headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers by lower-case name; several of one name are joined, as lists may be."""
    told: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(told)
    if len(headers) != len(told):
        headers.clear()
        for name, line in told:
            headers[name] = headers[name] + b", " + line if name in headers else line
    return headers


@lru_cache(maxsize=256)
def choose_media_type(accept: bytes | None, offered: tuple[str, ...]) -> str | None:
    """The first of the offered media types that the Accept header wants most; None where it wants none.

    >>> choose_media_type(b"text/html, application/*;q=0.8", ("application/json",))
    'application/json'
    >>> choose_media_type(b"application/json;q=0.1, application/yaml", ("application/json", "application/yaml"))
    'application/yaml'
    >>> choose_media_type(b"image/png", ("application/json",)) is None
    True
    """
    if accept is None or accept.strip() in (b"", b"*/*"):
        return offered[0]
    ranges: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        try:
            ranges[media_range] = max(float(weight), ranges.get(media_range, 0.0))
        except ValueError:
            continue

    def weight_of(media_type: str) -> float:
        for media_range in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
            if media_range in ranges:
                return ranges[media_range]
        return 0.0

    best = max(offered, key=weight_of)
    return best if weight_of(best) > 0 else None


def ensure_acceptable(headers: dict[bytes, bytes], offered: tuple[str, ...] = (JSON,)) -> str:
    """The media type to answer in.

    Raises:
        NotAcceptableError: the caller takes none of those offered.
    """
    chosen = choose_media_type(headers.get(b"accept"), offered)
    if chosen is None:
        raise NotAcceptableError(offered)
    return chosen


@lru_cache(maxsize=64)
def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type is JSON in UTF-8.

    >>> [is_json(told) for told in (b"application/json", b"Application/JSON; charset=UTF-8", b"text/plain")]
    [True, True, False]
    """
    media_type, *parameters = (piece.strip() for piece in content_type.decode("latin-1").lower().split(";"))
    charset = next((piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")), "utf-8")
    return media_type == JSON and charset in ("utf-8", "us-ascii")


def choose_language(held: Held, wanted: str | None, accept_language: bytes | None) -> str:
    """The language that the rule set has texts in and that the caller wants most; English where there is none."""
    rules = held.rules
    if len(rules.document.texts.notice) == 1 or (wanted is None and accept_language is None):
        return language_of(rules, "en")
    return language_of(rules, wanted or _first_spoken(rules.document, accept_language or b""))


def _first_spoken(document: RuleSetDocument, accept_language: bytes) -> str:
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language.decode("latin-1").split(",")[:QUERY_FIELDS_MOST]):
        tag, _, weight = part.partition(";")
        try:
            ranked.append((-float(weight.strip().removeprefix("q=") or 1), place, tag.strip()))
        except ValueError:
            continue
    spoken = document.texts.notice
    tags = [tag for weight, _, tag in sorted(ranked) if weight < 0]
    return next((tag for tag in tags if tag in spoken or tag.partition("-")[0].lower() in spoken), "en")


# --------------------------------------------------------------------------------------------------------- query


class Query(BaseModel):
    """The parameters of an address; closed to unknown names: a mistyped `rule_set` would score by other rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


QueryType = TypeVar("QueryType", bound=Query)

_QUERY_CODES: Final = {
    "extra_forbidden": "unknown-parameter",
    "missing": "missing",
    "literal_error": "not-a-choice",
    "string_pattern_mismatch": "malformed",
    "greater_than_equal": "out-of-range",
    "less_than_equal": "out-of-range",
}


def read_query(model: type[QueryType], scope: Scope) -> QueryType:
    """The parameters of an address, checked.

    Raises:
        InvalidInputError: with every fault, at `/query/<name>`; unknown and repeated names are faults.
    """
    return cast(QueryType, _read_query(model, scope["query_string"]))


@lru_cache(maxsize=512)
def _read_query(model: type[Query], query_string: bytes) -> Query:
    faults: list[Fault] = []
    told: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MOST, separator="&"
        )
    except ValueError:
        raise InvalidInputError([Fault("/query", "too-many", "There are too many parameters.")]) from None
    for name, text in pairs:
        if name in told:
            faults.append(Fault(_query_pointer(name), "repeated-parameter", "A parameter stands once at most."))
        told[name] = text
    try:
        query = model.model_validate(told)
    except ValidationError as refused:
        for found in refused.errors(include_url=False, include_context=False, include_input=False):
            code = _QUERY_CODES.get(found["type"], "wrong-type")
            known = ", ".join(model.model_fields) or "none"
            detail = f"{found['msg']}."
            if code == "unknown-parameter":
                detail = f"This address does not know this parameter; it knows {known}."
            faults.append(Fault(_query_pointer(str(found["loc"][0])), code, detail))
        raise InvalidInputError(faults) from None
    if faults:
        raise InvalidInputError(faults)
    return query


def _query_pointer(name: str) -> str:
    return f"/query/{name}" if SPEAKABLE.fullmatch(name) else "/query"


def query_parameters(model: type[Query]) -> list[dict[str, Any]]:
    """The parameters as the OpenAPI document lists them."""
    listed = []
    for name, schema in model.model_json_schema()["properties"].items():
        plain = {key: kept for key, kept in schema.items() if key not in ("title", "description", "default")}
        options = [option for option in plain.pop("anyOf", []) if option != {"type": "null"}]
        plain.update(*options)
        if schema.get("default") is not None:
            plain["default"] = schema["default"]
        listed.append(
            {"name": name, "in": "query", "required": False, "description": schema["description"], "schema": plain}
        )
    return listed


# ------------------------------------------------------------------------------------------------------- answers


class Prepared(Response):
    """An answer whose body and headers are bytes already."""

    def __init__(self, body: bytes, headers: Iterable[tuple[bytes, bytes]], *, status_code: int = 200) -> None:
        self.status_code = status_code
        self.background = None
        self.body = body
        self.raw_headers = [*headers, (b"content-length", b"%d" % len(body))]


def write_json(told: object) -> bytes:
    """JSON in UTF-8 without white space."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def strong_etag(body: bytes) -> str:
    """A validator that changes with any byte of the body."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def answer_cacheable(
    headers: dict[bytes, bytes],
    body: bytes,
    *,
    media_type: str,
    etag: str,
    cache_control: str,
    more: dict[str, str] | None = None,
) -> Response:
    """The body, or 304 where the caller has it already.

    The validator is of the content before gzip: nothing here serves byte ranges, so packed and plain answers may share
    it.
    """
    told = {"ETag": etag, "Cache-Control": cache_control, "Vary": VARY, **(more or {})}
    if _has_it(headers.get(b"if-none-match"), etag):
        return Response(status_code=304, headers=told)
    return Response(body, headers=told, media_type=media_type)


def _has_it(if_none_match: bytes | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.decode("latin-1").split(",")]
    return etag in known or "*" in known
