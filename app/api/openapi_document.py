"""The description of the API, made from the routes: written to a file for clients, and served with pages to try it.

    python -m app.api.openapi_document PATH

writes the document, the same bytes from the same code. Its examples are real: requests from `examples/`, and what the
rule set that ships says to them.
"""

import json
import re
import sys
from base64 import b64encode
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import fastapi_offline
from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.api import (
    batch,
    cards,
    comparisons,
    decisions,
    desk,
    operations,
    receipts,
    rule_sets,
    scores,
    testpacks,
    training,
)
from app.api.batch_rows import BatchRequest
from app.api.decisions import ActivationTold, ReasonTold
from app.api.deps import JSON, YAML, DirectRoute
from app.api.desk import PublicationTold
from app.api.permissions import Permission, public
from app.api.responses import BYTES, KEY_SCHEME, RATE_HEADERS, SECURITY_SCHEME, problem_responses
from app.receipts import Verification
from app.rule_sets.documents import canonical_bytes, digest_of, published_document, read_document
from app.runners import ScoreRequest, read_request
from app.scoring.assessment import Detail, render
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument

TITLE: Final = "Joint-risk"
DESCRIPTION: Final = """\
How much a runner's knees and lower back have to bear, against the average runner: with reasons, sources, doubts, and
what to do.

**What the score is.** 50 is the average runner; every +25 doubles the risk of an overuse problem, every -25 halves it.
Every point comes from a published effect that the answer names, weighted by how far the evidence may be trusted for
that joint. What is not known counts as the average and widens the range.

**What it is not.** Not a diagnosis, not medical advice, and no forecast for one person: it says how runners with such a
profile fared in studies. Red flags suspend the score and point to care. No decision about a person should rest on it
alone.

**Privacy.** No runner is stored or logged. Every POST under `/v1/scores` is pure: retry freely.

**Rules.** They are numbered and never change; a person puts them in force. Every replica looks for a newer activation
every 5 seconds (`JOINT_RISK_POLL_S`), so one call may still be scored by the old rules while another is by the new:
`rule_set` in the answer and the header `Joint-Rule-Set` say which. Pin a version with `?rule_set=`.

**Keys.** Send `Authorization: Bearer jrk_…`. Each operation names the scope that its key needs. Without any key in its
store the service answers this machine alone, for `score` and `rules:read`; once there was one, every caller needs one.
Every answer to a good key says in `RateLimit` what is left of its runners in this minute.

**Within v1** routes, optional request fields, members of answers, values of enumerations, finding codes and problem
slugs may be added; nothing is removed, renamed, retyped or made required. Ignore what you do not know.

**Problems** are `application/problem+json`: every fault at once, by JSON Pointer, never a value.
"""
TAGS: Final = [
    {"name": "scores", "description": "Score a runner. Pure, and needs no database."},
    {"name": "training", "description": "From files and exports to a training object. Pure, and keeps nothing."},
    {"name": "rule sets", "description": "The rules: what they read, what they say, which are in force."},
    {"name": "desk", "description": "Rule sets that are being written: kept, checked, published."},
    {"name": "operations", "description": "For orchestrators and operators."},
]
DECISIONS: Final = (PublicationTold, ActivationTold, ReasonTold)
DOCS_FILES: Final = Path(fastapi_offline.__file__).parent / "static"
DOCS_FILES_PATH: Final = "/docs-files"
EXAMPLE_DAY: Final = date(2026, 11, 23)
EXAMPLE_RULES: Final = "2026.1"

_PACKAGE: Final = Path(__file__).parents[1]
_REF: Final = "#/components/schemas/{model}"
_RATE: Final = {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_HEADERS}
_BEFORE_ANY_KEY: Final = ("401", "421")
"""Answers to callers of whom nobody knows a good key."""

router = APIRouter(route_class=DirectRoute, include_in_schema=False)
ROUTERS: Final = (
    scores.router,
    batch.router,
    receipts.router,
    training.router,
    comparisons.router,
    cards.router,
    testpacks.router,
    desk.router,
    rule_sets.router,
    decisions.router,
    operations.router,
    router,
)


@router.get("/openapi.json")
@public
async def get_openapi_document(_request: Request) -> Response:
    """The description of the API."""
    return Response(document_bytes(), media_type=JSON, headers={"Cache-Control": "no-cache"})


@router.get("/docs")
@public
async def get_docs(_request: Request) -> Response:
    """Pages to read the description and try it, without any other host."""
    files = DOCS_FILES_PATH.removeprefix("/")
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=TITLE,
        oauth2_redirect_url=None,
        swagger_js_url=f"{files}/swagger-ui-bundle.js",
        swagger_css_url=f"{files}/swagger-ui.css",
        swagger_favicon_url=f"{files}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = _docs_policy(bytes(page.body))
    return page


@cache
def _docs_policy(page: bytes) -> str:
    """What the page may do: run its own files and the one script that stands in it, and call this service."""
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts)
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


@cache
def document_bytes() -> bytes:
    """The document as it is served and written: members in a settled order, two spaces, one line feed at the end."""
    return (json.dumps(describe_api(), ensure_ascii=False, indent=2) + "\n").encode()


def describe_api() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route."""
    document = get_openapi(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        tags=[dict(tag) for tag in TAGS],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        routes=[route for part in ROUTERS for route in part.routes],
    )
    # Here, because they describe calls and answers, and take no part in answering most.
    from app.api.answers import ANSWERS as SCORES
    from app.api.batch_answers import ANSWERS as BATCHES
    from app.api.card_answers import ANSWERS as CARDS
    from app.api.comparison_answers import ANSWERS as COMPARISONS
    from app.api.rule_set_answers import ANSWERS as OTHERS
    from app.api.training_answers import ANSWERS as IMPORTS
    from app.readers import readable_media_types

    _, requests = models_json_schema(
        [(model, "validation") for model in (ScoreRequest, BatchRequest, Verification, *DECISIONS)], ref_template=_REF
    )
    _, answers = models_json_schema(
        [(model, "serialization") for model in (*SCORES, *BATCHES, *COMPARISONS, *CARDS, *IMPORTS, *OTHERS)],
        ref_template=_REF,
    )
    schemas = {**requests["$defs"], **answers["$defs"]}
    # What an import gives is what a request takes.
    schemas["TrainingImport"]["properties"]["training"]["$ref"] = _REF.format(model="Training")
    schemas["DraftDocument"] = _draft_schema()
    document.setdefault("components", {})["schemas"] = dict(sorted(schemas.items()))
    document["components"]["headers"] = RATE_HEADERS
    document["components"]["securitySchemes"] = {KEY_SCHEME: SECURITY_SCHEME}
    for part in ROUTERS:
        for route in part.routes:
            if isinstance(route, DirectRoute) and route.include_in_schema:
                for method in route.methods or ():
                    _say_who_may(document["paths"][route.path_format][method.lower()], route.permission)
    imported = document["paths"]["/v1/training:import"]["post"]["requestBody"]["content"]
    for media_type in sorted(readable_media_types()):
        imported[media_type] = {"schema": {} if "json" in media_type else BYTES}
    scoring = document["paths"]["/v1/scores"]["post"]
    requested = example_requests()
    scoring["requestBody"]["content"][JSON]["examples"] = {
        name: {"summary": _words(name), "value": request} for name, request in requested.items()
    }
    scoring["responses"]["200"]["content"][JSON]["examples"] = _example_answers(requested)
    verifying = document["paths"]["/v1/scores:verify"]["post"]
    verifying["requestBody"]["content"][JSON]["examples"] = {
        f"{name}-receipt": {"summary": f"{_words(name)}, as answered", "value": _example_receipt(requested[name])}
        for name in list(requested)[-1:]
    }
    saving = document["paths"]["/v1/rule-set-drafts/{name}"]["put"]
    for content in saving["requestBody"]["content"].values():
        content["examples"] = {
            name: {"summary": _words(name), "value": written} for name, written in example_rule_sets().items()
        }
    return document


def _draft_schema() -> dict[str, Any]:
    """What is kept as a draft: the members of a rule set, some of them at least, whatever stands in them so far."""
    names = list(RuleSetDocument.model_fields)
    return {
        "type": "object",
        "title": "DraftDocument",
        "description": "As in openapi/rule-set.schema.json, as far as it is written: `:check` says what is missing.",
        "properties": {
            name: {"description": f"In the end `{name}` as the schema of a rule set has it."} for name in names
        },
        "anyOf": [{"required": [name]} for name in names],
    }


def _say_who_may(operation: dict[str, Any], permission: Permission) -> None:
    """Writes the permission of a route into its entry, and how it refuses those who do not have it."""
    operation["security"] = [] if permission.scope is None else [{KEY_SCHEME: [permission.scope]}]
    if permission.until_keys:
        operation["security"].insert(0, {})
    if permission.scope is not None:
        answers = {str(status): told for status, told in problem_responses(401, 403, 429).items()}
        answers = dict(sorted({**answers, **operation["responses"]}.items()))
        operation["responses"] = {
            status: told if status in _BEFORE_ANY_KEY else {**told, "headers": {**told.get("headers", {}), **_RATE}}
            for status, told in answers.items()
        }


def example_requests() -> dict[str, Any]:
    """The requests in `examples/`, by name: beside the package in a checkout, inside it when installed from a wheel."""
    return {file.stem: json.loads(file.read_bytes()) for file in _example_files("*.json")}


def example_rule_sets() -> dict[str, Any]:
    """The rule sets in `examples/`, by name, each of which could be published as it stands."""
    return {file.stem: read_document(file.read_bytes(), media_type=YAML) for file in _example_files("*.yaml")}


def _example_files(pattern: str) -> list[Path]:
    installed = _PACKAGE / "_examples"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "examples"
    return sorted(folder.glob(pattern))


def _example_answers(requested: dict[str, Any]) -> dict[str, Any]:
    if not requested:
        return {}
    rules = _example_rules()
    # One answer in full shows every member; the others are shown small, or the document would be mostly examples.
    shown: list[tuple[str, Detail]] = [(name, "scores") for name in requested]
    shown.insert(0, ("risky-runner" if "risky-runner" in requested else next(iter(requested)), "full"))
    return {
        f"{name}-{detail}": {
            "summary": f"{_words(name)}, detail={detail}",
            "value": _example_answer(rules, requested[name], detail),
        }
        for name, detail in shown
    }


def _example_receipt(request: object) -> dict[str, Any]:
    answer = _example_answer(_example_rules(), request, "codes")
    return {"request": request, "receipt": answer["receipt"], "rule_set": answer["rule_set"]}


@cache
def _example_rules() -> CompiledRuleSet:
    document = published_document(EXAMPLE_RULES)
    return compile_rule_set(
        RuleSetDocument.model_validate(document), version=EXAMPLE_RULES, digest=digest_of(canonical_bytes(document))
    )


def _example_answer(rules: CompiledRuleSet, request: object, detail: Detail) -> Any:
    told = read_request(json.dumps(request).encode(), today=EXAMPLE_DAY, unknown_fields="refuse")
    return json.loads(render(assess(rules, told.request, as_of=told.as_of, findings=told.findings), detail=detail))


def _words(name: str) -> str:
    return name.replace("-", " ").capitalize()


def main(arguments: list[str]) -> int:
    """Writes the document to the path that is given."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m app.api.openapi_document PATH\n")
        return 2
    Path(arguments[0]).write_bytes(document_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
