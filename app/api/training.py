"""`POST /v1/training:import`: the files and exports that runners have in, a training object and every doubt out.

The files are taken apart and read in a process of its own, without the store, a key or a network. Nothing of them is
kept, here or there, and nothing of them lies on a disk at any time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, cast

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from app.api.deps import (
    JSON,
    DirectRoute,
    Query,
    ensure_acceptable,
    query_parameters,
    rates_of,
    read_headers,
    read_query,
    settings_of,
    telemetry_of,
)
from app.api.limits import coding_of, read_body
from app.api.permissions import needs
from app.api.problems import VARY, UnsupportedMediaTypeError
from app.api.responses import IMPORT_BODY, IMPORT_RESPONSE, problem_responses
from app.api.streams import StreamRoom
from app.errors import Fault, InvalidInputError
from app.runners.requests import FIRST_DAY
from app.workshop import MIB, Workshop

router = APIRouter(prefix="/v1", tags=["training"], route_class=DirectRoute)

BODY_MOST_BYTES: Final = 64 * MIB
DEADLINE_S: Final = 20.0
MEMORY_BYTES: Final = 512 * MIB
WAITING_MOST: Final = 8
BENCHES: Final = 2
UNITS_A_FILE: Final = 10
"""Of a key's rate: reading a file costs what scoring so many runners does, or more."""
CHUNK_BYTES: Final = MIB


class ImportQuery(Query):
    """For which day and where."""

    as_of: Annotated[
        str | None,
        Field(
            default=None,
            pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            description="The runner's local date that the import is for; the 400 days up to it become sessions. By "
            "default the later of today in UTC and the day of the last run.",
            examples=["2026-11-23"],
        ),
    ]
    time_zone: Annotated[
        str | None,
        Field(
            default=None,
            max_length=64,
            description="IANA time zone for starts that a file tells in UTC alone.",
            examples=["Europe/Ljubljana"],
        ),
    ]


def open_importer(*, out_of_reach: Sequence[Path] = ()) -> Workshop:
    """Where files are read: two at a time, each in a process of its own, which opens nothing that is out of reach."""
    return Workshop(
        "imports",
        deadline_s=DEADLINE_S,
        memory_bytes=MEMORY_BYTES,
        waiting_most=WAITING_MOST,
        benches=BENCHES,
        preload=(
            "app.readers.importing",
            "defusedxml.expatreader",
            "fitdecode",
            "geographiclib.geodesic",
            "python_multipart.multipart",
        ),
        out_of_reach=out_of_reach,
    )


@router.post(
    "/training:import",
    operation_id="import_training",
    summary="Turn training files into a training object",
    description=(
        "Reads FIT, GPX and TCX files, the exports and the activity objects of platforms, and `.zip` or `.gz` of them: "
        "several files as parts named `files`, or one body in its own media type. The format is found by content.\n\n"
        "`training` can be sent to `/v1/scores` as it is. An activity that several files tell counts once; what is no "
        "run does not count; every doubt is a finding, and every number says in `provenance` where it was read. A file "
        "that cannot be read is a finding and never costs another; only where nothing at all can be read is the call "
        "refused.\n\nPure: nothing is kept, no position leaves the process that reads it, and it may be retried freely."
    ),
    response_class=Response,
    responses={200: IMPORT_RESPONSE, **problem_responses(400, 406, 408, 413, 415, 422, 429, 503)},
    openapi_extra={"parameters": query_parameters(ImportQuery), "requestBody": IMPORT_BODY},
)
@needs("score")
async def import_training(request: Request) -> Response:
    """Reads files."""
    # Here: a start does without readers, and without the model that describes the answer.
    from app.api.training_answers import count_findings, ensure_import
    from app.readers import readable_media_types
    from app.readers.importing import MULTIPART, find_zone, import_call

    headers = read_headers(request.scope)
    ensure_acceptable(headers)
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != MULTIPART and media_type not in readable_media_types():
        raise UnsupportedMediaTypeError(
            f"Send files as {MULTIPART}, in parts named files; or one body in the media type of its format, or as "
            "application/octet-stream.",
            read=(MULTIPART, *sorted(readable_media_types())),
        )
    coding_of(headers)
    query = read_query(ImportQuery, request.scope)
    today = datetime.now(UTC).date()
    _ensure_day(query.as_of, today=today)
    find_zone(query.time_zone)
    with ExitStack() as reserved:
        reserved.enter_context(cast(StreamRoom, request.app.state.streams).reserved(_declared_bytes(headers)))
        body = await read_body(
            request.receive, headers, limit_bytes=BODY_MOST_BYTES, timeout_s=settings_of(request).body_timeout_s
        )
        rates_of(request).charge(request.scope, runners=UNITS_A_FILE * _count_files(body, content_type))
        importer = cast(Workshop, request.app.state.importer)
        answer = await importer.run(
            import_call, content_type, today.isoformat(), query.as_of, query.time_zone, chunks=_chunks(body)
        )
    imported = await asyncio.to_thread(ensure_import, answer)
    count_findings(imported, telemetry=telemetry_of(request))
    return Response(answer, media_type=JSON, headers={"Cache-Control": "no-store", "Vary": VARY})


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for begin in range(0, len(body), CHUNK_BYTES):
        yield bytes(view[begin : begin + CHUNK_BYTES])


def _ensure_day(as_of: str | None, *, today: date) -> None:
    """A day that a score may be for; what was imported for another could never be scored."""
    if as_of is None:
        return
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise InvalidInputError([Fault("/query/as_of", "not-a-date", "No calendar holds this day.")]) from None
    if not FIRST_DAY <= day <= today + timedelta(days=1):
        detail = "The day must not be before 2000 or more than one day ahead of UTC."
        raise InvalidInputError([Fault("/query/as_of", "out-of-range", detail)])


def _declared_bytes(headers: dict[bytes, bytes]) -> int:
    """How much will be held: what the body says of itself, or the most that it may be."""
    declared = headers.get(b"content-length", b"")
    if coding_of(headers) != b"identity" or not declared.isdigit():
        return BODY_MOST_BYTES
    return min(int(declared[:20]), BODY_MOST_BYTES)


def _count_files(body: bytes, content_type: str) -> int:
    """How many parts there are, counted by their boundaries before anybody takes them apart; at most 100 are read."""
    from app.readers.multipart import PARTS_MOST, read_boundary

    boundary = read_boundary(content_type)
    return min(max(body.count(b"--" + boundary) - 1, 1), PARTS_MOST) if boundary else 1
