"""The HTTP protocol with bounds: how long the head of a call may take, how large it may be, how many calls may wait.

The server bounds how long a connection may idle between calls and no more: one that sends a byte of a header now and
then would keep its place for ever, and headers are kept in memory however many there are. What comes after the head is
bounded where it is read. A call that cannot be read is refused in the shape of every other refusal.
"""

import json
from asyncio import TimerHandle, Transport
from functools import cache
from http import HTTPStatus
from secrets import token_hex
from typing import NamedTuple

from httptools import HttpParserError
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.front_door import CROWDED
from app.api.limits import HEADERS_MOST
from app.api.problems import KIND_OF, MEDIA_TYPE, TITLE_OF, TYPE_PREFIX, Kind
from app.settings import read_settings


class Bounds(NamedTuple):
    """What the head of a call may take.

    Attributes:
        head_s: seconds from the first byte (or from connecting) to the end of the headers.
        head_bytes: of address, names and lines together.
        calls: how many may wait or run at once before one more is turned away.
    """

    head_s: float
    head_bytes: int
    calls: int


class PunctualProtocol(HttpToolsProtocol):
    """One connection. The server makes protocols itself and passes nothing on, so the bounds are the process's own."""

    _has_begun = False
    _is_refused = False
    _running: RequestResponseCycle | None = None
    _head_bytes = 0
    _refusal: int = HTTPStatus.BAD_REQUEST
    _timer: TimerHandle | None = None

    def connection_made(  # type: ignore[override]  # a stream is what the server gives it, and what it takes
        self, transport: Transport
    ) -> None:
        """A caller connected, and has to say something before long."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._stop_waiting()
        if self._running is not None:
            # The server thinks of the last call of the connection alone, and this one may have others behind it.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The first byte of a call."""
        super().on_message_begin()
        self._has_begun = True
        self._head_bytes = 0
        if self._timer is None:
            self._wait_for_head()

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._take(len(url), too_much=HTTPStatus.REQUEST_URI_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._take(len(name) + len(value), too_much=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if len(self.headers) >= HEADERS_MOST:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole; from here on the application minds the time."""
        self._stop_waiting()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """More of what the caller says; nothing is taken any more once something was refused."""
        if not self._is_refused:
            super().data_received(data)

    def on_response_complete(self) -> None:
        """A call was answered; if what came behind it was refused, that was the last one."""
        self._running = None
        if self._is_refused:
            self.transport.close()
        else:
            super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        # Scoring never lets go of the loop, so calls queue before it and not inside: only here can they be counted.
        if len(self.tasks) >= _bounds().calls:
            cycle.scope[CROWDED] = True  # type: ignore[typeddict-unknown-key]  # ASGI lets servers add keys of their own
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Refuses what cannot be read, as problem details, and hangs up.

        A call before it that is being answered is let finish: whoever sends several behind each other gets the answers
        to those that were whole.
        """
        self._is_refused = True
        running = self._running
        if running is not None and not running.more_body:
            self.pipeline.clear()
            return
        if running is not None:
            # It waits for a body that will never be whole.
            running.disconnected = True
            running.message_event.set()
        if running is None or not running.response_started:
            self.transport.write(_write_refusal(self._refusal, KIND_OF.get(self._refusal, KIND_OF[400])))
        self.transport.close()

    def _take(self, size: int, *, too_much: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _bounds().head_bytes:
            self._refuse(too_much)

    def _refuse(self, status: int) -> None:
        self._refusal = status
        raise HttpParserError

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(_bounds().head_s, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if not self._has_begun:  # a connection that was opened ahead of need, and not needed
            self.transport.close()
            return
        self._refusal = HTTPStatus.REQUEST_TIMEOUT
        self.send_400_response("")


@cache
def _bounds() -> Bounds:
    settings = read_settings()
    return Bounds(head_s=settings.head_timeout_s, head_bytes=settings.head_limit_bytes, calls=settings.concurrent_calls)


def _write_refusal(status: int, kind: Kind) -> bytes:
    request_id = token_hex(12)
    body = json.dumps(
        {
            "type": f"{TYPE_PREFIX}{kind.slug}",
            "title": TITLE_OF[kind.slug],
            "status": status,
            "detail": kind.detail,
            "instance": request_id,
            "errors": [],
            "errors_left_out": 0,
        },
        separators=(",", ":"),
    ).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\ncache-control: no-store\r\n"
        f"request-id: {request_id}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
