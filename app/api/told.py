"""What a caller tells in a small JSON body or a header, and how ledgers and lists are told back."""

import base64
import binascii
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic.config import JsonDict
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import JSON, is_json, settings_of
from app.api.limits import read_body
from app.api.problems import VARY, MalformedCallError, UnsupportedMediaTypeError
from app.errors import Fault, InvalidInputError
from app.rule_sets.lifecycle import REASON_MOST_CHARACTERS
from app.rule_sets.store import Activation, RuleSetEntry, Withdrawal
from app.runners.profile import Told
from app.runners.requests import fault_code, fault_pointer

ASK_AGAIN: Final = "no-cache"
SMALL_BODY_BYTES: Final = 16_384
REASON_LENGTH: Final[JsonDict] = {"minLength": 1, "maxLength": REASON_MOST_CHARACTERS}
"""As the description says it; `ensure_reason` refuses, in words for people."""
_CURSOR_MOST: Final = 256

ToldType = TypeVar("ToldType", bound=Told)


async def read_told(request: Request, headers: dict[bytes, bytes], model: type[ToldType]) -> ToldType:
    """The members of a small JSON body.

    Raises:
        UnsupportedMediaTypeError: it says that it is something else.
        InvalidInputError: with every fault.
        BodyTooLargeError, MalformedCallError, SlowBodyError: as `read_body`.
    """
    content_type = headers.get(b"content-type")
    if content_type is not None and not is_json(content_type):
        raise UnsupportedMediaTypeError
    body = await read_body(
        request.receive, headers, limit_bytes=SMALL_BODY_BYTES, timeout_s=settings_of(request).body_timeout_s
    )
    try:
        return model.model_validate_json(body)
    except ValidationError as refused:
        raise InvalidInputError([
            Fault(fault_pointer(found["loc"]), fault_code(found["type"]), f"{found['msg']}.")
            for found in refused.errors(include_url=False, include_context=False, include_input=False)
        ]) from None  # fmt: skip


def read_tags(header: bytes | None) -> tuple[str, ...] | None:
    """The ETags of an If-Match or If-None-Match header, without quotes; None where nothing was said.

    >>> read_tags(b'"3", W/"4"'), read_tags(b"*"), read_tags(None)
    (('3', '4'), ('*',), None)
    """
    if header is None:
        return None
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in header.decode("latin-1").split(","))
    return tuple(tag for tag in tags if tag)


# ------------------------------------------------------------------------------------------------------- telling back


def describe_entry(entry: RuleSetEntry) -> dict[str, Any]:
    """A published rule set without its document, as the wire has it."""
    return {
        "version": entry.version,
        "digest": entry.digest,
        "published_at": write_moment(entry.published_at),
        "published_by": entry.published_by,
        "reason": entry.reason,
    }


def describe_activation(row: Activation, *, outranks: Iterable[int] = ()) -> dict[str, Any]:
    """A row of the ledger of activations, as the wire has it.

    Args:
        outranks: sequences that are scheduled and will not take effect because of it.
    """
    return {
        "sequence": row.sequence,
        "version": row.version,
        "digest": row.digest,
        "effective_at": None if row.effective_at is None else write_moment(row.effective_at),
        "activated_at": write_moment(row.activated_at),
        "activated_by": row.activated_by,
        "reason": row.reason,
        "cancels": list(row.cancels),
        "outranks": sorted(outranks),
    }


def describe_withdrawal(row: Withdrawal) -> dict[str, Any]:
    """A row of the ledger of withdrawals, as the wire has it."""
    return {
        "sequence": row.sequence,
        "version": row.version,
        "digest": row.digest,
        "withdrawn_at": write_moment(row.withdrawn_at),
        "withdrawn_by": row.withdrawn_by,
        "reason": row.reason,
    }


def write_moment(at: datetime) -> str:
    """A moment in UTC, as RFC 3339 writes it with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_json(told: object) -> bytes:
    """JSON without blanks, in UTF-8."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def answer_now(told: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer about this moment, which nobody keeps."""
    about = {"Cache-Control": "no-store", "Vary": VARY, **(headers or {})}
    return Response(write_json(told), status_code=status, headers=about, media_type=JSON)


# -------------------------------------------------------------------------------------------------------------- lists


def answer_list(items: Iterable[dict[str, Any]], following: str | None, *, etag: str | None = None) -> Response:
    """A page of a list, and the cursor of the next."""
    headers = {"Cache-Control": ASK_AGAIN, "Vary": VARY}
    if etag is not None:
        headers["ETag"] = etag
    return Response(write_json({"items": list(items), "next": following}), headers=headers, media_type=JSON)


def write_cursor(kind: str, place: str) -> str:
    """A cursor for the part of a list behind this place; `kind` is a letter for each list."""
    return base64.urlsafe_b64encode(f"{kind}{place}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, kind: str) -> str:
    """The place that a cursor of this kind of list stands for.

    Raises:
        MalformedCallError: no list of this kind gave it out.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = base64.b64decode(padded, altchars=b"-_", validate=True).decode() if len(cursor) <= _CURSOR_MOST else ""
    except (binascii.Error, ValueError):
        place = ""
    if not place.startswith(kind):
        raise unknown_cursor()
    return place[1:]


def unknown_cursor() -> MalformedCallError:
    """The refusal of a cursor that no list gave out."""
    return MalformedCallError("No list gave out this cursor. Leave it out to begin at the first page.")
