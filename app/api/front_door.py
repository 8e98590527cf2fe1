"""The front door: who is let in, and what goes out with every answer.

One pure ASGI middleware does all that every call needs, because each layer costs every call: a request id, the refusal
of foreign hosts while there are no keys and of calls that find no room, HEAD, gzip, security headers, one line in the
log, the numbers for operators, and an answer to errors that nobody foresaw. What a call says stays out of the log: no
query, no body, no path but the route's template.
"""

import asyncio
import ipaddress
import logging
import re
from functools import lru_cache
from secrets import token_hex
from time import perf_counter
from typing import Any, Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access import Caller
from app.api.limits import Drain
from app.api.permissions import AUTHORIZATION, CALLER, Gate
from app.api.problems import (
    FOREIGN_HOST,
    FORWARDED,
    REQUEST_ID,
    RETRY_AFTER_S,
    UNMATCHED,
    VARY,
    HostRefusedError,
    internal_problem,
    problem_of,
    template_of,
)
from app.api.rates import Rates
from app.errors import JointRiskError, OverloadedError
from app.log_lines import FIELDS, describe_failure
from app.settings import Settings
from app.telemetry import Telemetry
from app.tracing import TraceParent, Tracing, read_traceparent

GZIP_FROM_BYTES = 1024
# Level 4 packs a full answer to within a few per cent of level 9, in a third of the time.
GZIP_LEVEL = 4
TOLD: Final = "joint_risk.told"
"""Where the ASGI scope holds what a route may say of its call in the log and in a trace: `rule_set` and `runners`."""
DEADLINE: Final = "joint_risk.deadline"
"""Where the ASGI scope holds the `asyncio.Timeout` of the call; a stream, which minds its own time, takes it off."""
CROWDED: Final = "joint_risk.crowded"
"""What the server puts into the ASGI scope of a call that came in while as many as there is room for were waiting."""
ALWAYS_ANSWERED: Final = frozenset({"/livez", "/readyz", "/startupz", "/metrics"})
"""However full it is: what orchestrators and operators ask must not be what finds no room."""
_CLIENT_GONE = 499
"""What the log shows where the caller hung up before there was an answer; nobody ever receives it."""

access_log = logging.getLogger("joint_risk.access")
log = logging.getLogger("joint_risk.api")


class FrontDoor:
    """Lets calls in and answers out.

    Args:
        app: what answers the calls that are let in.
        gate: while there are no keys, only this machine is served, and only under its own names.
        drain: once it has begun, connections are closed with their answer.
        rates: what is left of each key's, for whoever called with one.
        settings: how many calls find room at once, how long one may take, and when to try again.
        telemetry: counts.
        tracing: tells a collector, where there is one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        gate: Gate,
        drain: Drain,
        rates: Rates,
        settings: Settings,
        telemetry: Telemetry,
        tracing: Tracing | None,
    ) -> None:
        self._app = app
        self._packing_app = GZipMiddleware(app, minimum_size=GZIP_FROM_BYTES, compresslevel=GZIP_LEVEL)
        self._gate = gate
        self._drain = drain
        self._rates = rates
        self._retry_after_s = settings.poll_s
        self._room = settings.concurrent_calls
        self._deadline_s = settings.call_timeout_s
        self._telemetry = telemetry
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = perf_counter()
        scope[REQUEST_ID] = token_hex(12)
        scope[RETRY_AFTER_S] = self._retry_after_s
        scope[TOLD] = {}
        is_head = scope["method"] == "HEAD"
        # The server keeps its own scope, which still says HEAD.
        inner = {**scope, "method": "GET"} if is_head else scope
        refusal, app, traceparent = self._let_in(inner)
        parent = None if traceparent is None else read_traceparent(traceparent)
        span = None if self._tracing is None else self._tracing.begin(parent)
        self._telemetry.begin_call()
        packs = app is self._packing_app
        answer = _Dressing(send, inner, packs=packs, is_head=is_head, drain=self._drain, rates=self._rates)
        try:
            if refusal is not None:
                await problem_of(inner, refusal)(inner, receive, answer.send)
            else:
                async with asyncio.timeout(self._deadline_s) as inner[DEADLINE]:
                    await app(inner, receive, answer.send)
        except ClientDisconnect:
            answer.status = answer.status or _CLIENT_GONE
        except Exception as failure:  # noqa: BLE001 - the last one to catch: its message may hold what was sent
            problem = self._note(failure, inner)
            if answer.status:
                # Too late for an answer: break the connection, so that half an answer does not pass for a whole one.
                raise ConnectionAbortedError("The answer broke off; the log says why.") from None
            await problem(inner, receive, answer.send)
        finally:
            took_s = perf_counter() - started_s
            self._tell(inner, method=scope["method"], status=answer.status, took_s=took_s, span=span, parent=parent)

    def _note(self, failure: Exception, scope: Scope) -> Response:
        """What is answered when nobody foresaw what happened, or when it took too long; the log says which."""
        fields = {FIELDS: {"request_id": scope[REQUEST_ID]}}
        if isinstance(failure, TimeoutError) and scope[DEADLINE].expired():
            self._telemetry.count("joint_risk_http_shed", "slow")
            log.warning("A call took too long.", extra=fields)
            return problem_of(scope, OverloadedError())
        log.error("An error nobody foresaw: %s", describe_failure(failure), extra=fields)
        return internal_problem(scope)

    def _tell(
        self, scope: Scope, *, method: str, status: int, took_s: float, span: Any, parent: TraceParent | None
    ) -> None:
        """One line in the log, and the numbers: the route's template, never an address."""
        route = template_of(scope)
        caller: Caller | None = scope.get(CALLER)
        # The key itself is nowhere; its prefix says whose call it was.
        prefix = None if caller is None else caller.prefix
        if prefix is not None:
            self._telemetry.count("joint_risk_key_calls", prefix)
        # A method is as much of a caller's making as an address that nothing answers at.
        counted = method if route != UNMATCHED else "any"
        self._telemetry.end_call(route, method=counted, status=status, duration_s=took_s)
        told: dict[str, Any] = {"method": method, "route": route, "status": status, **scope[TOLD]}
        if access_log.isEnabledFor(logging.INFO):
            trace = {} if parent is None else {"trace_id": parent.trace_id, "parent_span_id": parent.span_id}
            about = {"request_id": scope[REQUEST_ID], **told, "duration_ms": round(took_s * 1000, 1), "key": prefix}
            access_log.info("call", extra={FIELDS: about | trace})
        if span is not None and self._tracing is not None:
            self._tracing.end(span, told=told, duration_s=took_s)

    def _let_in(self, scope: Scope) -> tuple[JointRiskError | None, ASGIApp, bytes | None]:
        """One walk over the headers: why the call is refused, or else the way it goes, and its caller's trace."""
        app = self._app
        refusal: JointRiskError | None = None
        traceparent: bytes | None = None
        local_only = self._gate.serves_this_machine_only
        for name, told in scope["headers"]:
            if name == b"accept-encoding":
                if accepts_gzip(told):
                    app = self._packing_app
            elif name == b"authorization":
                # Sent twice, one of them is not meant for us, and nobody can say which.
                scope[AUTHORIZATION] = told if AUTHORIZATION not in scope else b""
            elif name == b"traceparent":
                traceparent = told
            elif local_only:
                refusal = foreign_header(name, told) or refusal
        is_full = CROWDED in scope or self._telemetry.calls_in_flight >= self._room
        if refusal is None and is_full and scope["path"] not in ALWAYS_ANSWERED:
            # At once, and not later: whoever waits in a queue that only grows has given up when it is their turn.
            self._telemetry.count("joint_risk_http_shed", "overloaded")
            scope[RETRY_AFTER_S] = 1
            refusal = OverloadedError()
        return refusal, app, traceparent


class _Dressing:
    """What goes out with every answer, whoever wrote it.

    Attributes:
        status: of the answer; 0 until it has begun.
    """

    __slots__ = ("_drain", "_is_head", "_packs", "_rates", "_scope", "_send", "status")

    def __init__(self, send: Send, scope: Scope, *, packs: bool, is_head: bool, drain: Drain, rates: Rates) -> None:
        self._send = send
        self._scope = scope
        self._packs = packs
        self._is_head = is_head
        self._drain = drain
        self._rates = rates
        self.status = 0

    async def send(self, message: Message) -> None:
        """Sends a piece of the answer on, its head with our headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"request-id", self._scope[REQUEST_ID].encode()), *_SECURITY]
            if not any(name == b"content-security-policy" for name, _ in message["headers"]):
                headers.append(_NOTHING_ACTIVE)
            if self._packs:
                headers = [_VARY_ONCE if header == _VARY_TWICE else header for header in headers]
            headers += self._rates.headers(self._scope)
            if self._drain.begun:
                headers.append((b"connection", b"close"))
            message["headers"] = headers
        elif self._is_head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


_VARY_ONCE = (b"vary", VARY.encode())
# What is left where GZipMiddleware adds the name to an answer that has it already.
_VARY_TWICE = (b"vary", f"{VARY}, Accept-Encoding".encode())
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# An answer is data; whatever a browser could be made to take it for, nothing in it runs and nothing frames it.
_NOTHING_ACTIVE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


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


def foreign_header(name: bytes, told: bytes) -> HostRefusedError | None:
    """Why a call with this header is refused while this machine alone is served, or None where it is not."""
    if name == b"host":
        return None if is_local_host(told) else HostRefusedError(FOREIGN_HOST)
    if name == b"forwarded" or name.startswith(b"x-forwarded"):
        return HostRefusedError(FORWARDED)
    return None


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
