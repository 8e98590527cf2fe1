"""What a route takes and answers, as its entry in the OpenAPI document."""

from http import HTTPStatus
from typing import Any

from app.access import Caller
from app.access.scopes import MEANINGS
from app.api.deps import JSON, YAML
from app.api.problems import (
    FOREIGN_HOST,
    KIND_OF,
    MEDIA_TYPE,
    NO_KEY,
    TITLE_OF,
    TYPE_PREFIX,
    BodyTooLargeError,
    HostRefusedError,
    Kind,
    NoKeyError,
    NotAcceptableError,
    RateLimitedError,
    ScopeMissingError,
    SlowBodyError,
    UnsupportedMediaTypeError,
)
from app.errors import (
    Fault,
    GuardMissingError,
    InvalidInputError,
    StaleError,
    StoreAwayError,
    UnknownRuleSetError,
    VersionTakenError,
)


def _ref(model: str) -> dict[str, str]:
    """Models are named, not imported: only the OpenAPI document needs them, and a start does without."""
    return {"$ref": f"#/components/schemas/{model}"}


def _response(
    description: str, schema: dict[str, Any], *headers: str, media_types: tuple[str, ...] = (JSON,)
) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {name: _HEADERS[name] for name in ("Request-Id", *headers)},
        "content": {media_type: {"schema": schema} for media_type in media_types},
    }


def _link(operation: str, description: str, **parameters: str) -> dict[str, Any]:
    """What may be done next with what was answered."""
    return {"operationId": operation, "description": description, "parameters": parameters}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


_HEADERS = {
    "Request-Id": _header("Random id of the call, as in the log."),
    "Joint-Rule-Set": _header("Version and digest of the rules, as in `2026.1;sha256:…`."),
    "Content-Language": _header("Language of the texts."),
    "Content-Location": _header("The version's own address."),
    "ETag": _header("Strong validator of the content before gzip, for `If-None-Match`."),
    "Cache-Control": _header("How long it may be kept."),
    "Location": _header("Where it is."),
}

RATE_HEADERS = {
    "RateLimit-Policy": _header(
        'Runners a minute that the key may ask for, of one process, as in `"runners";q=600000;w=60`; on every answer '
        "to a good key, where there is a limit."
    ),
    "RateLimit": _header(
        'How many of them are left as the answer begins, and for how many seconds, as in `"runners";r=599999;t=60`.'
    ),
}

REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "description": "One runner, 1 MiB at most; packed with gzip if you like.",
    "content": {JSON: {"schema": _ref("ScoreRequest")}},
}
SCORE_RESPONSE = _response(
    "The runner's scores, as much of them as `detail` asks for.",
    {"anyOf": [_ref("Score"), _ref("ScoreCodes"), _ref("ScoreNumbers")]},
    "Joint-Rule-Set", "Content-Language", "Cache-Control",
)  # fmt: skip
_LINE = "A line of the stream: "
_IN_COLUMNS = {
    "type": "string",
    "format": "binary",
    "description": "Record batches, whose columns are those of bulk runs.",
}
BATCH_BODY: dict[str, Any] = {
    "required": True,
    "description": "A list (16 MiB at most), or a stream without end of a row a line (1 MiB a line at most); packed "
    "with gzip if you like, sizes counted after unpacking.",
    "content": {
        JSON: {"schema": _ref("BatchRequest")},
        "application/jsonl": {"schema": {**_ref("BatchItem"), "description": _LINE + "one runner."}},
        "application/vnd.apache.arrow.stream": {"schema": _IN_COLUMNS},
    },
}
BATCH_RESPONSE = _response(
    "A result for each row, in the order of the rows.",
    _ref("BatchResults"),
    "Joint-Rule-Set", "Content-Language", "Cache-Control",
)  # fmt: skip
BATCH_RESPONSE["content"]["application/vnd.apache.arrow.stream"] = {"schema": _IN_COLUMNS}
BATCH_RESPONSE["content"]["application/jsonl"] = {
    "schema": {"anyOf": [_ref("AssessedRow"), _ref("RefusedRow")], "description": _LINE + "one result."}
}
VERIFICATION_BODY: dict[str, Any] = {
    "required": True,
    "description": "A request, and what was answered to it; 2 MiB at most.",
    "content": {JSON: {"schema": _ref("Verification")}},
}
VERDICT_RESPONSE = _response(
    "Whether the same answer comes of the request.", _ref("Verdict"), "Joint-Rule-Set", "Cache-Control"
)
IMPORT_RESPONSE = _response("The training, and what is doubtful about it.", _ref("TrainingImport"), "Cache-Control")
BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
# One body in the media type of its format besides: those are the readers' to name, and a start does without readers.
IMPORT_BODY: dict[str, Any] = {
    "required": True,
    "description": "Up to 100 files, 64 MiB together, or one body in its own media type; archives unpack to 256 MiB at "
    "most.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {"files": {"type": "array", "items": BYTES}},
            }
        },
    },
}
FACTORS_RESPONSE = _response(
    "Every input, with what the rules make of it.",
    _ref("Inputs"),
    "Joint-Rule-Set", "Content-Language", "ETag", "Cache-Control",
)  # fmt: skip
RULE_SETS_RESPONSE = _response("A page of published rule sets.", _ref("RuleSetList"))
RULE_SET_RESPONSE = _response(
    "The rule set.", _ref("PublishedRuleSet"), "Joint-Rule-Set", "ETag", "Cache-Control", media_types=(JSON, YAML)
)
DRAFT_BODY: dict[str, Any] = {
    "required": True,
    "description": "The document, 1 MiB at most.",
    "content": {
        YAML: {"schema": _ref("DraftDocument")},
        JSON: {"schema": _ref("DraftDocument")},
    },
}
DRAFTS_RESPONSE = _response("A page of drafts.", _ref("DraftList"))
DRAFTS_RESPONSE["links"] = {"save_draft": _link("save_draft", "Write another.")}
_TO_DRAFT = {
    "get_draft": "Read it.",
    "check_draft": "Check it.",
    "publish_draft": "Publish it.",
    "delete_draft": "Throw it away.",
}
_SEEN = {"If-Match": "$response.header.ETag"}


def _links_of_draft(name: str, *targets: str) -> dict[str, Any]:
    """What may be done with a draft whose name stands at `name`; writing it anew, by who has seen it."""
    links = {operation: _link(operation, _TO_DRAFT[operation], name=name) for operation in targets}
    return {**links, "save_draft": _link("save_draft", "Write it anew.", name=name, **_SEEN)}


SAVED_RESPONSE = _response("The draft as it stands now.", _ref("DraftItem"), "ETag", "Location")
SAVED_RESPONSE["links"] = _links_of_draft("$response.body#/name", *_TO_DRAFT)
DRAFT_RESPONSE = _response("The document.", _ref("DraftDocument"), "ETag", media_types=(YAML, JSON))
DRAFT_RESPONSE["links"] = _links_of_draft("$request.path.name", "check_draft", "publish_draft", "delete_draft")
THROWN_AWAY: dict[str, Any] = {"description": "It is gone."}
CHECKED_RESPONSE = _response("What was found.", _ref("CheckResult"), "ETag")
CHECKED_RESPONSE["links"] = _links_of_draft("$response.body#/name", "publish_draft")
PUBLISHED_RESPONSE = _response("The version.", _ref("PublishedRuleSet"), "ETag", "Location")
PUBLISHED_RESPONSE["links"] = {
    operation: _link(operation, told, version="$response.body#/version")
    for operation, told in {
        "get_rule_set": "Read it.",
        "get_card": "Read its card.",
        "activate_rule_set": "Put it in force.",
        "withdraw_rule_set": "Withdraw it.",
    }.items()
}
ACTIVATED_RESPONSE = _response("The row that was added.", _ref("ActivationRow"))
ACTIVATED_RESPONSE["links"] = {
    "cancel_activation": _link(
        "cancel_activation", "Take it back, where it is scheduled.", sequence="$response.body#/sequence"
    ),
    "list_activations": _link("list_activations", "Read what was decided."),
    "get_active_rule_set": _link("get_active_rule_set", "Read what is in force."),
}
CANCELLED_RESPONSE = _response("The row that was added.", _ref("ActivationRow"))
CANCELLED_RESPONSE["links"] = {"list_activations": _link("list_activations", "Read what was decided.")}
WITHDRAWN_RESPONSE = _response("The row that was added.", _ref("WithdrawalRow"))
WITHDRAWN_RESPONSE["links"] = {
    "get_rule_set": _link("get_rule_set", "Read it: it stays.", version="$response.body#/version")
}
NOT_MODIFIED: dict[str, Any] = {"description": "The caller has it."}
TEXTS_RESPONSE = _response(
    "The texts by id.", _ref("RuleSetTexts"), "Joint-Rule-Set", "Content-Language", "ETag", "Cache-Control"
)
ACTIVATIONS_RESPONSE = _response("A page of the ledger.", _ref("ActivationList"), "ETag")
LIVE_RESPONSE = _response("It is.", _ref("Liveness"))
READY_RESPONSE = _response("It may.", _ref("Readiness"))
UNREADY_RESPONSE = _response("Not now.", _ref("Readiness"))
METRICS_RESPONSE: dict[str, Any] = {
    "description": "The numbers, a line each.",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}

COHORT_BODY: dict[str, Any] = {
    "required": False,
    "description": "A request a line, or a batch row a line, 1 MiB a line at most; packed with gzip if you like. "
    "Nothing at all is a cohort of nobody.",
    "content": {"application/jsonl": {"schema": {**_ref("ScoreRequest"), "description": "A line: one runner."}}},
}
CARD_RESPONSE = _response("The card.", _ref("Card"), "Joint-Rule-Set", "ETag", "Cache-Control")
CARD_RESPONSE["content"]["text/html"] = {"schema": {"type": "string", "description": "A page to read."}}
TESTPACK_RESPONSE = _response(
    "The test pack.", _ref("Testpack"), "Joint-Rule-Set", "ETag", "Cache-Control", media_types=(JSON,)
)
TESTPACK_RESPONSE["content"]["application/jsonl"] = {
    "schema": {"anyOf": [_ref("TestpackHead"), _ref("PackedCase")], "description": "A head, then a case a line."}
}
COMPARISON_RESPONSE = _response("What changes, and who moves.", _ref("Comparison"), "ETag", "Cache-Control")

VERSION_PARAMETER: dict[str, Any] = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "A published version.",
    "schema": {"type": "string", "pattern": r"^[0-9]{4}\.[0-9]+$", "examples": ["2026.1"]},
}


KEY_SCHEME = "key"
SECURITY_SCHEME: dict[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "jrk_",
    "description": "A key of this service, made with `joint-risk keys create`. Its scopes: "
    + "; ".join(f"`{scope}` to {meaning}" for scope, meaning in MEANINGS.items())
    + ".",
}

_SCOPE_MISSING = ScopeMissingError("score", Caller("jrk_…", "", frozenset()))


def _parameter(name: str, place: str, description: str, **schema: Any) -> dict[str, Any]:
    told = {"type": "string", **schema}
    return {"name": name, "in": place, "required": place == "path", "description": description, "schema": told}


DRAFT_NAME_PARAMETER = _parameter(
    "name", "path", "A draft's name.", pattern="^[a-z0-9][a-z0-9_-]{0,63}$", examples=["spring"]
)
SEQUENCE_PARAMETER = _parameter("sequence", "path", "Number of an activation.", type="integer", minimum=1)
IF_MATCH_PARAMETER = _parameter(
    "If-Match", "header", "ETag of `/v1/rule-sets/activations`: refused (412) where somebody decided since."
)
DRAFT_IF_MATCH_PARAMETER = _parameter("If-Match", "header", "ETag of the draft that you have seen.")
DRAFT_IF_NONE_MATCH_PARAMETER = _parameter("If-None-Match", "header", "`*` to make a new draft only.")


def json_body(model: str, description: str) -> dict[str, Any]:
    """A small JSON body that a route needs."""
    return {"required": True, "description": description, "content": {JSON: {"schema": _ref(model)}}}


_EXAMPLE_ID = "5f0c6a0d3b9e4c1f8a2d7b60"
_STATUS_TEXT: dict[int, tuple[str, Kind]] = {
    400: ("The call does not hold together: an unknown cursor, say.", KIND_OF[400]),
    401: ("A key is needed, or the one that was sent is not good.", Kind(NoKeyError.slug, NO_KEY)),
    403: ("The key does not have the scope.", Kind(ScopeMissingError.slug, _SCOPE_MISSING.message)),
    404: ("No such rule set, draft or activation.", Kind(UnknownRuleSetError.slug, UnknownRuleSetError("").message)),
    406: (
        "The answer cannot be had in an accepted media type.",
        Kind(NotAcceptableError.slug, NotAcceptableError([JSON]).message),
    ),
    408: ("The body did not come in in time.", Kind(SlowBodyError.slug, SlowBodyError().message)),
    409: (
        "What stands in the ledgers is against it; the slug says what.",
        Kind(VersionTakenError.slug, VersionTakenError("2026.1").message),
    ),
    412: (
        "What the caller goes by is no longer so.",
        Kind(StaleError.slug, StaleError("The draft is not the one that If-Match names.").message),
    ),
    413: ("The body is too large.", Kind(BodyTooLargeError.slug, BodyTooLargeError(1_048_576).message)),
    415: (
        "The body is not JSON, or packed in an unknown way.",
        Kind(UnsupportedMediaTypeError.slug, UnsupportedMediaTypeError().message),
    ),
    421: ("Not served under this name.", Kind(HostRefusedError.slug, FOREIGN_HOST)),
    422: (
        "What was sent cannot be used; `errors` names every fault.",
        Kind(InvalidInputError.slug, InvalidInputError([Fault("", "", "")]).message),
    ),
    428: (
        "It would be written over unseen: send If-Match.",
        Kind(GuardMissingError.slug, GuardMissingError().message),
    ),
    429: (
        "The key has too few runners left in this minute, or too many wrong ones came from the address.",
        Kind(RateLimitedError.slug, RateLimitedError().message),
    ),
    503: (
        "Nothing is in force yet, the store is needed and away, or there is no room. Try again after `Retry-After` "
        "seconds.",
        Kind(StoreAwayError.slug, StoreAwayError().message),
    ),
}
_EXAMPLE_FAULTS = {
    422: [
        {
            "pointer": "/runner/knee/pain_now",
            "code": "out-of-range",
            "detail": "Input should be less than or equal to 10.",
        }
    ]
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer instead, for its entry in the OpenAPI document; 421 can meet any call."""
    responses: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, 421}):
        text, kind = _STATUS_TEXT[status]
        example = {
            "type": f"{TYPE_PREFIX}{kind.slug}",
            "title": TITLE_OF[kind.slug],
            "status": status,
            "detail": kind.detail,
            "instance": _EXAMPLE_ID,
            "errors": _EXAMPLE_FAULTS.get(status, []),
            "errors_left_out": 0,
        }
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
        responses[status] = {"description": text, "content": content}
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            responses[status]["headers"] = {"WWW-Authenticate": _header("What kind of key is wanted.")}
        if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            responses[status]["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            }
    return responses
