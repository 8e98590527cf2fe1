"""Long answers at the pace of whoever reads them, while their questions still come in: back-pressure both ways.

Most clients send their whole body before they read a byte. So answers wait in memory, up to `WAITING_MOST_BYTES` for
each stream, and only beyond that is the client kept from sending on. All streams together stay under a cap; one that
would not fit is refused before its first byte. No row goes to disk.

A stream that ends before all is answered ends broken: the last chunk is left out, so that a short answer never passes
for a whole one.
"""

import asyncio
import logging
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from time import perf_counter
from typing import Final, Self, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.front_door import DEADLINE, GZIP_LEVEL
from app.api.limits import Drain
from app.api.problems import REQUEST_ID, DrainingError, MalformedCallError, RefusedCallError
from app.errors import JointRiskError, OverloadedError
from app.log_lines import FIELDS

WAITING_MOST_BYTES: Final = 16 * 1024 * 1024
SLICE_S: Final = 0.001
"""How long rows are scored before others have their turn; a call beside a stream waits about that much longer."""
SENT_AT_ONCE_BYTES: Final = 65_536
UNPACKED_AT_ONCE_BYTES: Final = 65_536
START_MOST_S: Final = 1.0
"""A client that waits for the head of the answer before it sends anything has it after this."""
_LOOKS_A_TIMEOUT: Final = 20
_LOOK_MOST_S: Final = 0.5

log = logging.getLogger("joint_risk.streams")
Result = TypeVar("Result")
Feed = Callable[["Outlet"], Coroutine[None, None, None]]


class StreamRoom:
    """What the streams of this process share: memory for what waits, and turns at the processor.

    Args:
        memory_bytes: for all of them together; each sets aside what it may need before its first byte.
        idle_s: a stream on which nothing moves either way for so long is ended.
    """

    def __init__(self, *, memory_bytes: int, idle_s: float) -> None:
        self.idle_s = idle_s
        self._free_bytes = memory_bytes
        self._turn = asyncio.Lock()
        # Its thread begins with the first work, and ends with the room.
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="streams")

    @contextmanager
    def reserved(self, count_bytes: int) -> Iterator[None]:
        """Sets memory aside.

        Raises:
            OverloadedError: there is not so much left.
        """
        if count_bytes > self._free_bytes:
            raise OverloadedError
        self._free_bytes -= count_bytes
        try:
            yield
        finally:
            self._free_bytes += count_bytes

    async def work_through(self, steps: Iterable[object], outlet: "Outlet | None" = None) -> None:
        """Takes the steps in slices, one slice of one stream at a time, with a look at everything else in between.

        Args:
            outlet: no step is taken while too much waits there.
        """
        taken = iter(steps)
        is_more = True
        while is_more:
            if outlet is not None:
                await outlet.has_room()
            # Whoever comes first goes first, and between two slices the loop runs once for all others.
            async with self._turn:
                end_s = perf_counter() + SLICE_S
                is_more = False
                for _ in taken:
                    if perf_counter() >= end_s or (outlet is not None and outlet.is_full):
                        is_more = True
                        break
            await asyncio.sleep(0)

    async def work_aside(self, work: Callable[[], Result]) -> Result:
        """Does what cannot be cut into slices in a thread, one of all streams at a time, and always the same thread.

        Each thread keeps memory of its own for what comes next, so with several the process would hold several times as
        much.
        """
        return await asyncio.get_running_loop().run_in_executor(self._aside, copy_context().run, work)


class Outlet:
    """What waits to be sent: whoever scores puts it in, and it leaves as fast as the client reads.

    Args:
        send: the way out; it waits while the client does not read.
        coding: `gzip` packs what leaves, whole at every pause, so that nothing stays inside.
        most_bytes: more than this does not wait.
    """

    def __init__(self, send: Send, *, coding: bytes | None = None, most_bytes: int = WAITING_MOST_BYTES) -> None:
        self.moved_at_s = asyncio.get_running_loop().time()
        self.is_full = False
        self._send = send
        self._most_bytes = most_bytes
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_more = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.is_closed = False
        self._packer = zlib.compressobj(GZIP_LEVEL, wbits=zlib.MAX_WBITS | 16) if coding == b"gzip" else None

    def put(self, piece: bytes) -> None:
        """Adds a piece; more than fits is taken, but `has_room` is to be awaited first."""
        self._pieces.append(piece)
        self._waiting_bytes += len(piece)
        self._has_more.set()
        if self._waiting_bytes >= self._most_bytes:
            self.is_full = True
            self._has_room.clear()

    async def has_room(self) -> None:
        """Waits until less is waiting than may."""
        await self._has_room.wait()

    def close(self) -> None:
        """Says that nothing more will come."""
        self.is_closed = True
        self._has_more.set()

    def note_movement(self) -> None:
        """Something came in or went out."""
        self.moved_at_s = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Sends what is put in until it is closed and empty; the last chunk is left to whoever closed it."""
        while True:
            await self._has_more.wait()
            while self._pieces:
                pieces, size_bytes = [self._pieces.popleft()], 0
                size_bytes = len(pieces[0])
                while self._pieces and size_bytes < SENT_AT_ONCE_BYTES:
                    pieces.append(self._pieces.popleft())
                    size_bytes += len(pieces[-1])
                await self._send_on(b"".join(pieces))
                self._waiting_bytes -= size_bytes
                if self.is_full and self._waiting_bytes < self._most_bytes:
                    self.is_full = False
                    self._has_room.set()
            self._has_more.clear()
            if self.is_closed:
                return

    async def _send_on(self, piece: bytes) -> None:
        if self._packer is not None:
            piece = self._packer.compress(piece) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self.note_movement()

    async def finish(self) -> None:
        """Sends the end that says that the answer is whole."""
        last = b"" if self._packer is None else self._packer.flush()
        await self._send({"type": "http.response.body", "body": last, "more_body": False})


class Inlet:
    """The body of a call as it comes in, unpacked; nobody holds more of it than one piece.

    Args:
        receive: the way in; the client is kept from sending while nobody asks.
        moved: called whenever something came in.

    Attributes:
        has_begun: whether the first of it came in.
    """

    def __init__(self, receive: Receive, *, coding: bytes, moved: Callable[[], None] = lambda: None) -> None:
        self.moved = moved
        self.has_begun = False
        self._receive = receive
        self._is_packed = coding != b"identity"

    @classmethod
    def of_read_body(cls, receive: Receive) -> Self:
        """What is left of a body that was read to its end already: nothing, but that the client hangs up."""
        inlet = cls(receive, coding=b"identity")
        inlet.has_begun = True
        return inlet

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, piece by piece.

        Raises:
            ClientDisconnect: the client hung up.
            MalformedCallError: it says gzip and is not, or ends within it.
        """
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        is_within = False
        async for packed in self._received():
            if not self._is_packed:
                yield packed
                continue
            rest = packed
            while rest:
                is_within = True
                try:
                    piece = unpacking.decompress(rest, UNPACKED_AT_ONCE_BYTES)
                except zlib.error:
                    raise _not_gzip() from None
                rest = unpacking.unconsumed_tail
                if unpacking.eof:  # several members, one after the other, are one body
                    rest, is_within = unpacking.unused_data, False
                    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
                if piece:
                    yield piece
                else:
                    await asyncio.sleep(0)
        if is_within:
            raise _not_gzip()

    async def _received(self) -> AsyncIterator[bytes]:
        is_more = True
        while is_more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self.has_begun = True
            self.moved()
            is_more = message.get("more_body", False)
            body: bytes = message.get("body", b"")
            if body:
                yield body

    async def watch(self) -> None:
        """Waits until the client hangs up, once the body has ended."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect


def _not_gzip() -> MalformedCallError:
    return MalformedCallError("The body says that it is packed with gzip, and it does not unpack.")


class StreamResponse(Response):
    """An answer that is made while it is sent.

    Args:
        feed: puts the answer into the outlet, reading the inlet as far as it needs to.
        inlet: the body of the call.
        headers: of the answer, but for its coding.
        coding: `gzip` packs the answer.
        last_words: the piece that says why a stream ends before all is answered.
        drain: where given, the stream ends when the process has drained.
        reserved: the memory that was set aside for it; given back in the end.
    """

    def __init__(
        self,
        feed: Feed,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        inlet: Inlet,
        room: StreamRoom,
        reserved: ExitStack,
        coding: bytes | None,
        last_words: Callable[[JointRiskError], bytes] = lambda _error: b"",
        drain: Drain | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        packing = [] if coding is None else [(b"content-encoding", coding)]
        self.raw_headers = [*headers, *packing]
        self._feed = feed
        self._inlet = inlet
        self._room = room
        self._reserved = reserved
        self._coding = coding
        self._last_words = last_words
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers; returns without the last chunk, which breaks the connection, where not all could be answered."""
        # A stream minds its own time: it may go on for as long as something moves.
        scope[DEADLINE].reschedule(None)
        outlet = Outlet(send, coding=self._coding)
        came_in = asyncio.Event()

        def moved() -> None:
            came_in.set()
            outlet.note_movement()

        self._inlet.moved = moved
        feeding = asyncio.create_task(self._feed(outlet))
        feeding.add_done_callback(lambda _task: came_in.set())
        tasks = {feeding}
        try:
            # After the first of the body, so that a client that asked whether to send it has been told to.
            if not self._inlet.has_begun:
                with suppress(TimeoutError):
                    await asyncio.wait_for(came_in.wait(), START_MOST_S)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            sending = asyncio.create_task(outlet.run())
            tasks.add(sending)
            broken = await self._see_through(feeding, sending, outlet, tasks)
            if broken is None:
                await outlet.finish()
            else:
                log.info("A stream ended early.", extra={FIELDS: {"request_id": scope[REQUEST_ID], "reason": broken}})
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._reserved.close()

    async def _see_through(
        self, feeding: asyncio.Task[None], sending: asyncio.Task[None], outlet: Outlet, tasks: set[asyncio.Task[None]]
    ) -> str | None:
        """Waits for the end, and says why it came too early, if it did.

        Raises:
            ClientDisconnect: the client hung up.
        """
        broken: str | None = None
        look_s = min(self._room.idle_s / _LOOKS_A_TIMEOUT, _LOOK_MOST_S)
        while True:
            await asyncio.wait({feeding, sending}, timeout=look_s, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
                return broken
            refused: JointRiskError | None = None
            if feeding.done():
                failure = feeding.exception()
                if failure is not None and not isinstance(failure, RefusedCallError):
                    raise failure
                refused = failure
            elif not outlet.is_closed and self._drain is not None and self._drain.is_over:
                # The row in hand is done: between rows alone does anybody wait.
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
                refused = DrainingError()
            if refused is not None:
                outlet.put(self._last_words(refused))
                broken = refused.slug
            if feeding.done():
                outlet.close()
                feeding = asyncio.create_task(self._inlet.watch())
                tasks.add(feeding)
            if asyncio.get_running_loop().time() - outlet.moved_at_s > self._room.idle_s:
                return "idle"
