"""How much a call may carry in and for how long it is waited for, and how the process stops taking calls."""

import asyncio
import logging
import math
import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from types import FrameType, coroutine
from typing import Any, Final, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from app.api.problems import BodyTooLargeError, MalformedCallError, SlowBodyError, UnsupportedEncodingError

log = logging.getLogger("joint_risk.api")
Received = TypeVar("Received")

HEADERS_MOST: Final = 100


class Drain:
    """Whether this process is on its way out: it still answers, and asks callers to go elsewhere."""

    def __init__(self) -> None:
        self.begun = False
        self._over_at_s = math.inf

    def begin(self, *, drain_s: float) -> None:
        """The process is on its way out, and takes calls for so long."""
        self.begun = True
        self._over_at_s = monotonic() + drain_s

    @property
    def is_over(self) -> bool:
        """Whether no more calls are taken: what could go on for ever has to end."""
        return self.begun and monotonic() >= self._over_at_s


async def read_body(receive: Receive, headers: dict[bytes, bytes], *, limit_bytes: int, timeout_s: float) -> bytes:
    """The whole body, unpacked; no more of it is ever held than the limit allows, nor waited for any longer.

    Raises:
        SlowBodyError: it did not come in within `timeout_s`.
        UnsupportedEncodingError: packed in another way than gzip.
        BodyTooLargeError: more than `limit_bytes`, by its own word, while it comes in, or unpacked.
        MalformedCallError: it says gzip and is not.
        ClientDisconnect: the caller hung up.
    """
    packed = coding_of(headers)
    declared = headers.get(b"content-length")
    if declared is not None and declared.isdigit() and int(declared[:20]) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    receiving = _receive_body(receive, limit_bytes=limit_bytes)
    try:
        waits_for = receiving.send(None)
    except StopIteration as received:  # all of it came in with the head, as most do: nothing to set a clock for
        body: bytes = received.value
    else:
        try:
            async with asyncio.timeout(timeout_s):
                body = await _go_on(receiving, waits_for)
        except TimeoutError:
            raise SlowBodyError from None
    if len(body) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    return body if packed == b"identity" else _unpack(body, limit_bytes=limit_bytes)


def coding_of(headers: dict[bytes, bytes]) -> bytes:
    """How the body is packed.

    Raises:
        UnsupportedEncodingError: in another way than gzip.
    """
    coding = headers.get(b"content-encoding", b"identity").lower()
    if coding not in (b"identity", b"gzip", b"x-gzip"):
        raise UnsupportedEncodingError
    return coding


@coroutine
def _go_on(begun: Coroutine[Any, Any, Received], waits_for: Any) -> Generator[Any, Any, Received]:
    """Goes on with what was begun without waiting for it, from where it has to wait."""
    while True:
        try:
            told = yield waits_for
        except BaseException as thrown:  # noqa: BLE001 - whatever it is, it is meant for what was begun
            go_on: Callable[[], Any] = partial(begun.throw, thrown)
        else:
            go_on = partial(begun.send, told)
        try:
            waits_for = go_on()
        except StopIteration as ended:
            received: Received = ended.value
            return received


async def _receive_body(receive: Receive, *, limit_bytes: int) -> bytes:
    message = await _next_of_body(receive)
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    chunks = [body]
    size = len(body)
    while message.get("more_body", False) and size <= limit_bytes:
        message = await _next_of_body(receive)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    return b"".join(chunks)


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
            drain.begin(drain_s=0)
            return stop(number, frame)
        drain.begin(drain_s=drain_s)
        # The rest by the loop: the signal may come while a line is being queued, and whoever logs here would then wait
        # for a lock that the interrupted code holds, for ever.
        return loop.call_soon_threadsafe(wait, number)

    def wait(number: int) -> None:
        log.info("Draining for %g s.", drain_s)
        loop.call_later(drain_s, stop, number, None)

    signal.signal(signal.SIGTERM, begin)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, inherited)


@contextmanager
def end_with_supervisor() -> Iterator[None]:
    """Ends a worker, as SIGTERM does, when the process that started it is gone.

    Nobody is left who would end it, and it holds the port: the next service could not start there.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        yield
        return
    loop = asyncio.get_running_loop()
    gone = supervisor.sentinel

    def end() -> None:
        loop.remove_reader(gone)
        log.warning("The process that started this worker is gone, so it ends.")
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(gone, end)
    try:
        yield
    finally:
        loop.remove_reader(gone)
