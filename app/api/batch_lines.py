"""JSON lines as they come in: cut out of a body of any length, and answered one by one."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import groupby

from app.api.batch_rows import RowScorer
from app.api.problems import BodyTooLargeError, RateLimitedError
from app.api.scores import LARGE_BODY_BYTES
from app.api.streams import Feed, Inlet, Outlet, StreamRoom


class LineCutter:
    """Cuts a body into lines; of a line that is too long, nothing is held.

    Args:
        line_most_bytes: longer lines come out as None, once their end has come.

    Examples:
        >>> cutter = LineCutter(line_most_bytes=3)
        >>> [*cutter.cut(b"ab\\nabcd"), *cutter.cut(b"e\\n\\nc"), *cutter.rest()]
        [b'ab', None, b'', b'c']
    """

    def __init__(self, *, line_most_bytes: int) -> None:
        self._line_most_bytes = line_most_bytes
        self._begun: list[bytes] = []
        self._begun_bytes = 0

    def cut(self, piece: bytes) -> Iterator[bytes | None]:
        """The lines that end in this piece of the body."""
        first, *others = piece.split(b"\n")
        self._keep(first)
        for begun in others:
            yield self._take()
            self._keep(begun)

    def rest(self) -> Iterator[bytes | None]:
        """The last line, where the body does not end with a line feed."""
        if self._begun_bytes:
            yield self._take()

    def _keep(self, part: bytes) -> None:
        self._begun_bytes += len(part)
        if self._begun_bytes > self._line_most_bytes:
            self._begun.clear()
        elif part:
            self._begun.append(part)

    def _take(self) -> bytes | None:
        line = b"".join(self._begun) if self._begun_bytes <= self._line_most_bytes else None
        self._begun.clear()
        self._begun_bytes = 0
        return line


def feed_lines(
    inlet: Inlet, *, scorer: RowScorer, room: StreamRoom, charge: Callable[[int], None], line_most_bytes: int
) -> Feed:
    """Answers every line of the body with a line; empty lines are passed over.

    Args:
        charge: takes runners from what the caller may still ask for, before they are scored; raises RateLimitedError.
    """

    async def feed(outlet: Outlet) -> None:
        cutter = LineCutter(line_most_bytes=line_most_bytes)
        async for piece in inlet.pieces():
            await answer(cutter.cut(piece), outlet)
        await answer(cutter.rest(), outlet)

    async def answer(cut: Iterator[bytes | None], outlet: Outlet) -> None:
        lines = [line for line in cut if line is None or (line and not line.isspace())]
        score: Callable[[bytes], bytes] = scorer.answer
        try:
            if lines:
                charge(len(lines))
        except RateLimitedError as refused:
            score = _always(scorer.refuse(refused))
        for is_large, some in groupby(lines, key=lambda line: line is not None and len(line) > LARGE_BODY_BYTES):
            if is_large:
                for line in some:
                    await outlet.has_room()
                    outlet.put(await asyncio.to_thread(score, line or b"") + b"\n")
            else:
                await room.work_through(answers(some, score, outlet), outlet)

    def answers(lines: Iterator[bytes | None], score: Callable[[bytes], bytes], outlet: Outlet) -> Iterator[None]:
        for line in lines:
            outlet.put((scorer.refuse(BodyTooLargeError(line_most_bytes)) if line is None else score(line)) + b"\n")
            yield

    return feed


def _always(result: bytes) -> Callable[[bytes], bytes]:
    return lambda _line: result
