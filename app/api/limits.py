"""The front door: who is let in, how much may be carried in, and what goes out with every answer.

One pure ASGI middleware does all that every call needs, because each layer costs every call: a request id, the refusal
of foreign hosts while there are no keys, HEAD, gzip, the security header, one line in the log, and an answer to
errors that nobody foresaw. What a call says stays out of the log: no query, no body, no path but the route's template.
"""

import asyncio
import ipaddress
import logging
import re
import signal
import threading
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from secrets import token_hex
from time import perf_counter
from types import FrameType
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access import Caller
from app.api.permissions import AUTHORIZATION, CALLER, Gate
from app.api.problems import (
    FOREIGN_HOST,
    FORWARDED,
    REQUEST_ID,
    RETRY_AFTER_S,
    VARY,
    BodyTooLargeError,
    HostRefusedError,
    MalformedCallError,
    UnsupportedEncodingError,
    internal_problem,
    problem_of,
    template_of,
)

GZIP_FROM_BYTES = 1024
# Level 4 packs a full answer to within a few per cent of level 9, in a third of the time.
GZIP_LEVEL = 4
_CLIENT_GONE = 499
"""What the log shows where the caller hung up before there was an answer; nobody ever receives it."""

access_log = logging.getLogger("joint_risk.access")
log = logging.getLogger("joint_risk.api")


class Drain:
    """Whether this process is on its way out: it still answers, and asks callers to go elsewhere."""

    def __init__(self) -> None:
        self.begun = False


class FrontDoor:
    """Lets calls in and answers out.

    Args:
        app: what answers the calls that are let in.
        gate: while there are no keys, only this machine is served, and only under its own names.
        retry_after_s: when it is worth trying again what was refused for now.
        drain: once it has begun, connections are closed with their answer.
    """

    def __init__(self, app: ASGIApp, *, gate: Gate, drain: Drain, retry_after_s: float) -> None:
        self._app = app
        self._packing_app = GZipMiddleware(app, minimum_size=GZIP_FROM_BYTES, compresslevel=GZIP_LEVEL)
        self._gate = gate
        self._drain = drain
        self._retry_after_s = retry_after_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = perf_counter()
        request_id = token_hex(12)
        scope[REQUEST_ID] = request_id
        scope[RETRY_AFTER_S] = self._retry_after_s
        is_head = scope["method"] == "HEAD"
        # The server keeps its own scope, which still says HEAD.
        inner = {**scope, "method": "GET"} if is_head else scope
        status = 0
        refusal, app = self._let_in(inner)

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"request-id", request_id.encode()), _NO_SNIFFING]
                if app is self._packing_app:
                    headers = [_VARY_ONCE if header == _VARY_TWICE else header for header in headers]
                if self._drain.begun:
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            elif is_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            if refusal is not None:
                await problem_of(inner, refusal)(inner, receive, send_dressed)
            else:
                await app(inner, receive, send_dressed)
        except ClientDisconnect:
            status = status or _CLIENT_GONE
        except Exception as failure:  # noqa: BLE001 - the last one to catch: its message may hold what was sent
            log.error("%s %s", request_id, _trace_without_values(failure))
            if status:
                # Too late for an answer: break the connection, so that half an answer does not pass for a whole one.
                raise ConnectionAbortedError("The answer broke off; the log says why.") from None
            await internal_problem(inner)(inner, receive, send_dressed)
        finally:
            if access_log.isEnabledFor(logging.INFO):
                duration_ms = (perf_counter() - started_s) * 1000
                template = template_of(inner)
                caller: Caller | None = inner.get(CALLER)
                # The key itself is nowhere; its prefix says whose call it was.
                key = f" {caller.prefix}" if caller is not None and caller.prefix is not None else ""
                access_log.info(
                    "%s %s %s %d %.1f ms%s", request_id, scope["method"], template, status, duration_ms, key
                )

    def _let_in(self, scope: Scope) -> tuple[HostRefusedError | None, ASGIApp]:
        """One walk over the headers: why the call is refused, or else the way it goes."""
        app = self._app
        local_only = self._gate.serves_this_machine_only
        for name, told in scope["headers"]:
            if name == b"accept-encoding":
                if accepts_gzip(told):
                    app = self._packing_app
            elif name == b"authorization":
                # Sent twice, one of them is not meant for us, and nobody can say which.
                scope[AUTHORIZATION] = told if AUTHORIZATION not in scope else b""
            elif not local_only:
                continue
            elif name == b"host":
                if not is_local_host(told):
                    return HostRefusedError(FOREIGN_HOST), app
            elif name == b"forwarded" or name.startswith(b"x-forwarded"):
                return HostRefusedError(FORWARDED), app
        return None, app


_VARY_ONCE = (b"vary", VARY.encode())
# What is left where GZipMiddleware adds the name to an answer that has it already.
_VARY_TWICE = (b"vary", f"{VARY}, Accept-Encoding".encode())
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")


def _trace_without_values(failure: Exception) -> str:
    """Where an error came from: its class and the lines of code, not its message, which may repeat what was sent."""
    frames = traceback.extract_tb(failure.__traceback__)
    lines = "".join(f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    return f"{type(failure).__name__}{lines}"


# ------------------------------------------------------------------------------------------------------ who comes in


_HOST = re.compile(r"(?:([a-z0-9.]+)|\[([0-9a-f:.]+)\])(?::[0-9]{0,5})?")


@lru_cache(maxsize=256)
def is_local_host(host: bytes) -> bool:
    """Whether a Host header says localhost or an address; a name could be anybody's, pointed at this machine.

    >>> [is_local_host(host) for host in (b"localhost:8000", b"127.0.0.1", b"[::1]:8000", b"joint-risk.example")]
    [True, True, True, False]
    """
    parts = _HOST.fullmatch(host.decode("latin-1").lower())
    if parts is None:
        return False
    name, bracketed = parts.groups()
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name or bracketed)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether an Accept-Encoding header asks for gzip.

    >>> [accepts_gzip(told) for told in (b"gzip, br", b"br", b"gzip;q=0", b"*")]
    [True, False, False, True]
    """
    wanted = {"gzip": 0.0, "*": 0.0}
    for part in accept_encoding.decode("latin-1").lower().split(","):
        coding, _, weight = part.partition(";")
        try:
            wanted[coding.strip()] = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
    return (wanted["gzip"] or ("gzip" not in accept_encoding.decode("latin-1").lower() and wanted["*"])) > 0


# --------------------------------------------------------------------------------------------- how much is carried in


async def read_body(receive: Receive, headers: dict[bytes, bytes], *, limit_bytes: int) -> bytes:
    """The whole body, unpacked; no more of it is ever held than the limit allows.

    Raises:
        UnsupportedEncodingError: packed in another way than gzip.
        BodyTooLargeError: more than `limit_bytes`, by its own word, while it comes in, or unpacked.
        MalformedCallError: it says gzip and is not.
        ClientDisconnect: the caller hung up.
    """
    packed = headers.get(b"content-encoding", b"identity").lower()
    if packed not in (b"identity", b"gzip", b"x-gzip"):
        raise UnsupportedEncodingError
    declared = headers.get(b"content-length")
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    message = await _next_of_body(receive)
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        chunks = [body]
        size = len(body)
        while message.get("more_body", False) and size <= limit_bytes:
            message = await _next_of_body(receive)
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
        body = b"".join(chunks)
    if len(body) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    return body if packed == b"identity" else _unpack(body, limit_bytes=limit_bytes)


async def _next_of_body(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message


def _unpack(packed: bytes, *, limit_bytes: int) -> bytes:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpacking.decompress(packed, limit_bytes + 1)
    except zlib.error:
        raise MalformedCallError("The body says that it is packed with gzip, and it does not unpack.") from None
    if len(body) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedCallError("The body must be one whole gzip member, with nothing after it.")
    return body


# --------------------------------------------------------------------------------------------------------- going out


@contextmanager
def drain_on_sigterm(drain: Drain, *, drain_s: float) -> Iterator[None]:
    """Puts `drain_s` seconds between SIGTERM and the server's own way of stopping.

    Load balancers need that time to notice `readyz`; until then calls are still taken. A second SIGTERM ends the wait.
    Where the server catches no signals (in a test, or off the main thread), nothing is changed.
    """
    inherited = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(inherited):
        yield
        return
    stop = inherited
    loop = asyncio.get_running_loop()

    def begin(number: int, frame: FrameType | None) -> Any:
        if drain.begun or drain_s == 0:
            drain.begun = True
            return stop(number, frame)
        drain.begun = True
        log.info("Draining for %g s.", drain_s)
        return loop.call_soon_threadsafe(loop.call_later, drain_s, stop, number, None)

    signal.signal(signal.SIGTERM, begin)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, inherited)
