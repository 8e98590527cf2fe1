"""`POST /v1/scores:batch`: many runners in one call, as a list or as a stream, each answered in its place.

All rows are scored by the rules that were in force when the call began. A row that cannot be scored is answered with
its problem and never keeps another from its score.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Final, NamedTuple, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.batch_lines import LineFeed
from app.api.batch_rows import Batch, BatchWalk, RowScorer
from app.api.deps import (
    JSON,
    DirectRoute,
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
from app.api.front_door import TOLD, accepts_gzip
from app.api.limits import Drain, coding_of, read_body
from app.api.permissions import needs
from app.api.problems import SlowBodyError, UnsupportedMediaTypeError
from app.api.responses import BATCH_BODY, BATCH_RESPONSE, problem_responses
from app.api.scores import LARGE_BODY_BYTES, ScoreQuery, headers_of, unknown_fields_of
from app.api.streams import WAITING_MOST_BYTES, Feed, Inlet, Outlet, StreamResponse, StreamRoom

router = APIRouter(prefix="/v1", tags=["scores"], route_class=DirectRoute)

JSONL: Final = "application/jsonl"
BODY_MOST_BYTES: Final = 16 * 1024 * 1024
ROWS_MOST: Final = 1_000
LINE_MOST_BYTES: Final = 1_048_576
ARROW: Final = "application/vnd.apache.arrow.stream"
_READ: Final = (JSON, JSONL, ARROW)


@router.post(
    "/scores:batch",
    operation_id="score_batch",
    summary="Score many runners",
    description=(
        "Up to 1,000 runners as a list (`application/json`), or any number as a stream: `application/jsonl`, a row a "
        "line both ways, or `application/vnd.apache.arrow.stream`, in columns both ways. Results stand in the order "
        "of the rows. In JSON each has the row's `id` and either an `assessment`, as `POST /v1/scores` gives it, or "
        "the `problem` that the row alone has.\n\nThe rules are settled when the call begins: `Joint-Rule-Set` names "
        "them, and every row is scored by them. A stream that ends before all is answered ends broken, without the "
        "last chunk of its chunked body: what was not answered is to be sent again. A client that sends many rows "
        "before it reads has to begin to read in time: see the page on batches."
    ),
    response_class=Response,
    responses={200: BATCH_RESPONSE, **problem_responses(400, 404, 406, 408, 413, 415, 422, 429, 503)},
    openapi_extra={"parameters": query_parameters(ScoreQuery), "requestBody": BATCH_BODY},
)
@needs("score")
async def score_batch(request: Request) -> Response:
    """Scores many runners."""
    headers = read_headers(request.scope)
    media_type = _media_type_of(headers.get(b"content-type"))
    ensure_acceptable(headers, (media_type,))
    coding_of(headers)
    now = datetime.now(UTC)
    query = read_query(ScoreQuery, request.scope)
    held = await held_rules(request, version=query.rule_set, now=now)
    rules = held.rules
    if query.min_evidence is not None:
        rules = await rules_in_force(request).narrowed(rules, query.min_evidence)
    language = choose_language(held, query.lang, headers.get(b"accept-language"))
    scorer = RowScorer(
        request.scope,
        rules,
        detail=query.detail,
        language=language,
        today=now.date(),
        telemetry=telemetry_of(request),
        unknown_fields=unknown_fields_of(headers),
        notes=notes_on(request, held),
    )
    answer_headers = [line for line in headers_of(rules, language) if line[0] != b"content-type"]
    answer_headers.append((b"content-type", media_type.encode()))
    if scorer.unknown_fields == "report" and media_type != ARROW:
        answer_headers.append((b"preference-applied", b"handling=lenient"))
    request.scope[TOLD].update(rule_set=rules.version, runners=0)
    call = _Call(request, headers, answer_headers, scorer, cast(StreamRoom, request.app.state.streams))
    if media_type == ARROW:
        return await _answer_records(call)
    return await _answer_list(call) if media_type == JSON else _answer_lines(call)


class _Call(NamedTuple):
    request: Request
    headers: dict[bytes, bytes]
    answer_headers: list[tuple[bytes, bytes]]
    scorer: RowScorer
    room: StreamRoom

    def charge(self, runners: int) -> None:
        """Takes this many runners from what the caller has left in this minute, and notes them for the log.

        Raises:
            RateLimitedError: there are not as many left.
        """
        rates_of(self.request).charge(self.request.scope, runners=runners)
        told = self.request.scope[TOLD]
        told["runners"] = told.get("runners", 0) + runners

    @property
    def takes(self) -> bytes | None:
        """The coding that the caller takes the answer in."""
        return b"gzip" if accepts_gzip(self.headers.get(b"accept-encoding", b"")) else None


def _answer_lines(call: _Call) -> Response:
    inlet = Inlet(call.request.receive, coding=coding_of(call.headers))
    reserved = ExitStack()
    reserved.enter_context(call.room.reserved(WAITING_MOST_BYTES))
    return StreamResponse(
        LineFeed(inlet, call.scorer, call.room, call.charge, LINE_MOST_BYTES),
        call.answer_headers,
        inlet=inlet,
        room=call.room,
        reserved=reserved,
        coding=call.takes,
        last_words=lambda refused: call.scorer.refuse(refused) + b"\n",
        drain=cast(Drain, call.request.app.state.drain),
    )


async def _answer_records(call: _Call) -> Response:
    try:
        from app.api.arrow_frames import MESSAGE_MOST_BYTES
        from app.api.batch_arrow import RecordStream
    except ModuleNotFoundError as missing:
        if missing.name not in ("pyarrow", "numpy"):
            raise
        raise UnsupportedMediaTypeError(
            "This service was installed without what reads Arrow (joint-risk[bulk]). Send JSON.", read=(JSON, JSONL)
        ) from None
    with ExitStack() as reserved:
        reserved.enter_context(call.room.reserved(WAITING_MOST_BYTES + MESSAGE_MOST_BYTES))
        inlet = Inlet(call.request.receive, coding=coding_of(call.headers))
        records = RecordStream(inlet.pieces(), scorer=call.scorer)
        try:
            async with asyncio.timeout(call.room.idle_s):
                await records.open()
        except TimeoutError:
            raise SlowBodyError from None
        return StreamResponse(
            records.feed(room=call.room, charge=call.charge),
            call.answer_headers,
            inlet=inlet,
            room=call.room,
            reserved=reserved.pop_all(),
            coding=call.takes,
            drain=cast(Drain, call.request.app.state.drain),
        )


async def _answer_list(call: _Call) -> Response:
    with ExitStack() as reserved:
        reserved.enter_context(call.room.reserved(_body_bytes_of(call.headers)))
        body = await read_body(
            call.request.receive,
            call.headers,
            limit_bytes=BODY_MOST_BYTES,
            timeout_s=settings_of(call.request).body_timeout_s,
        )
        walk = BatchWalk(body, rows_most=ROWS_MOST, unknown_fields=call.scorer.unknown_fields, today=call.scorer.today)
        await call.room.work_through(walk)
        batch = walk.found()
        # All or nothing, before any row.
        call.charge(len(batch.rows))
        # What was passed over beside the rows is said in each: nothing else is answered.
        notes = (*call.scorer.notes, *batch.passed_over)
        return StreamResponse(
            _feed_list(body, batch, scorer=replace(call.scorer, as_of=batch.as_of, notes=notes), room=call.room),
            call.answer_headers,
            inlet=Inlet.of_read_body(call.request.receive),
            room=call.room,
            reserved=reserved.pop_all(),
            coding=call.takes,
        )


def _feed_list(body: bytes, batch: Batch, *, scorer: RowScorer, room: StreamRoom) -> Feed:
    async def feed(outlet: Outlet) -> None:
        outlet.put(b'{"results":[')
        comma = b""
        for is_large, some in groupby(batch.rows, key=lambda row: row[1] - row[0] > LARGE_BODY_BYTES):
            if is_large:
                for begin, end in some:
                    await outlet.has_room()
                    outlet.put(comma + await asyncio.to_thread(scorer.answer, body[begin:end]))
                    comma = b","
            else:
                await room.work_through(answers(some, outlet, comma), outlet)
                comma = b","
        outlet.put(b"]}")

    def answers(rows: Iterator[tuple[int, int]], outlet: Outlet, comma: bytes) -> Iterator[None]:
        for begin, end in rows:
            outlet.put(comma + scorer.answer(body[begin:end]))
            comma = b","
            yield

    return feed


def _media_type_of(content_type: bytes | None) -> str:
    """The shape of the batch; a body that says nothing of itself is taken for a list.

    Raises:
        UnsupportedMediaTypeError: it is in none that is read here.
    """
    if content_type is None or is_json(content_type):
        return JSON
    if is_json(content_type.lower().replace(JSONL.encode(), JSON.encode())):
        return JSONL
    if content_type.lower().strip() == ARROW.encode():
        return ARROW
    raise UnsupportedMediaTypeError(
        f"A batch is read as {JSON} (a list), {JSONL} (a row a line) or {ARROW}. Send such a Content-Type.", read=_READ
    )


def _body_bytes_of(headers: dict[bytes, bytes]) -> int:
    """How much of a list will be held: what the body says of itself, or the most that it may be."""
    declared = headers.get(b"content-length", b"")
    if coding_of(headers) != b"identity" or not declared.isdigit():
        return BODY_MOST_BYTES
    return min(int(declared[:20]), BODY_MOST_BYTES)
