"""A body that is read on while what came in of it is being worked on."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

TURNS_WITHOUT_MORE: Final = 4
"""Of the event loop, after which what has arrived is taken for all there is: it reads a socket within three."""


class ReadAhead:
    """Finds together what arrived together, and never waits for more than has arrived.

    Args:
        pieces: of a body.
        most_bytes: so much is held, and one piece more; who sends is kept from sending on after that.
    """

    def __init__(self, pieces: AsyncIterator[bytes], *, most_bytes: int) -> None:
        self._pieces = pieces
        self._most_bytes = most_bytes
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._has_more = asyncio.Event()
        self._has_room = asyncio.Event()

    async def together(self) -> AsyncGenerator[list[bytes], None]:
        """All that has arrived, again and again; to be closed by whoever does not read to the end.

        Raises:
            ClientDisconnect: the client hung up.
            MalformedCallError: the body cannot be unpacked; what came before was given.
        """
        reading = asyncio.create_task(self._read())
        try:
            while self._held or not reading.done():
                await self._has_more.wait()
                self._has_more.clear()
                await self._wait_while_more_comes()
                arrived = list(self._held)
                self._held.clear()
                self._held_bytes = 0
                self._has_room.set()
                if arrived:
                    yield arrived
            reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async for piece in self._pieces:
                self._held.append(piece)
                self._held_bytes += len(piece)
                self._has_more.set()
                if self._held_bytes >= self._most_bytes:
                    self._has_room.clear()
                    await self._has_room.wait()
        finally:
            self._has_more.set()

    async def _wait_while_more_comes(self) -> None:
        before_bytes = -1
        while before_bytes < self._held_bytes < self._most_bytes:
            before_bytes = self._held_bytes
            for _ in range(TURNS_WITHOUT_MORE):
                await asyncio.sleep(0)
