"""JSON lines as they come in: cut out of a body of any length, and answered in their order.

Lines that arrived together are scored together, in columns, where the answers are the least (`detail=scores`) and there
are enough of them. A line that comes alone is answered alone, at once: nobody waits for more to come.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from typing import Final

from app.api.batch_rows import RowScorer
from app.api.problems import BodyTooLargeError, RateLimitedError
from app.api.read_ahead import ReadAhead
from app.api.scores import LARGE_BODY_BYTES
from app.api.streams import Inlet, Outlet, StreamRoom

AHEAD_MOST_BYTES: Final = 1_048_576
TOGETHER_MOST_BYTES: Final = 2 * AHEAD_MOST_BYTES
"""More than is read ahead with the piece that goes beyond it: else a small rest would be scored by itself each time."""
TOGETHER_MOST_ROWS: Final = 1_024
"""Together they take some 20 ms of a thread; twice as many would take little less for each."""
COLUMNS_LEAST_ROWS: Final = 48
"""Fewer cost less one by one: what columns cost, however few rows are in them, is as much as 30 rows do."""

Together = Callable[[RowScorer, Sequence[bytes | None]], list[bytes | None]]


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


@dataclass(frozen=True, slots=True)
class LineFeed:
    """Answers every line of a body with a line; empty lines are passed over.

    Attributes:
        charge: takes runners from what the caller may still ask for, before they are scored; raises RateLimitedError.
    """

    inlet: Inlet
    scorer: RowScorer
    room: StreamRoom
    charge: Callable[[int], None]
    line_most_bytes: int

    async def __call__(self, outlet: Outlet) -> None:
        """Answers until the body ends."""
        cutter = LineCutter(line_most_bytes=self.line_most_bytes)
        ahead = ReadAhead(self.inlet.pieces(), most_bytes=AHEAD_MOST_BYTES)
        async with aclosing(ahead.together()) as arriving:
            async for pieces in arriving:
                await self._answer_pieces([rows_of(cutter.cut(piece)) for piece in pieces], outlet)
        await self._answer_pieces([rows_of(cutter.rest())], outlet)

    async def _answer_pieces(self, pieces: list[list[bytes | None]], outlet: Outlet) -> None:
        """Answers the lines of pieces of the body; of each piece it is seen whether so many may still be asked for."""
        paid: list[bytes | None] = []
        for lines in pieces:
            try:
                if lines:
                    self.charge(len(lines))
            except RateLimitedError as refused:
                await self._answer(paid, outlet)
                paid = []
                await self.room.work_through(_put_again(self.scorer.refuse(refused), len(lines), outlet), outlet)
            else:
                paid += lines
        await self._answer(paid, outlet)

    async def _answer(self, lines: list[bytes | None], outlet: Outlet) -> None:
        for is_large, some in groupby(lines, key=lambda line: line is not None and len(line) > LARGE_BODY_BYTES):
            if is_large:
                for line in some:
                    await outlet.has_room()
                    outlet.put(await asyncio.to_thread(self.scorer.answer, line or b"") + b"\n")
            else:
                for chunk in chunks_of(some):
                    await self._answer_together(chunk, outlet)

    async def _answer_together(self, lines: list[bytes | None], outlet: Outlet) -> None:
        results: list[bytes | None] = [None] * len(lines)
        if self.scorer.detail == "scores" and len(lines) >= COLUMNS_LEAST_ROWS:
            await outlet.has_room()
            results = await self.room.work_aside(partial(_score_together, self.scorer, lines))
        await self.room.work_through(self._put(lines, results, outlet), outlet)

    def _put(self, lines: list[bytes | None], results: list[bytes | None], outlet: Outlet) -> Iterator[None]:
        """Puts what was scored together as it is, and scores the others one by one."""
        for is_scored, some in groupby(zip(lines, results, strict=True), key=lambda pair: pair[1] is not None):
            if is_scored:
                outlet.put(b"".join([piece for _, result in some for piece in (result or b"", b"\n")]))
                yield
                continue
            for line, _ in some:
                outlet.put(self._answer_one(line) + b"\n")
                yield

    def _answer_one(self, line: bytes | None) -> bytes:
        return self.scorer.refuse(BodyTooLargeError(self.line_most_bytes)) if line is None else self.scorer.answer(line)


def rows_of(cut: Iterable[bytes | None]) -> list[bytes | None]:
    """The lines that are rows: all that are not blank."""
    return [line for line in cut if line is None or (line and not line.isspace())]


def _put_again(result: bytes, times: int, outlet: Outlet) -> Iterator[None]:
    """Puts one result for each of so many lines."""
    for _ in range(times):
        outlet.put(result + b"\n")
        yield


def chunks_of(lines: Iterable[bytes | None]) -> Iterator[list[bytes | None]]:
    """Lines by so many as are scored together."""
    chunk: list[bytes | None] = []
    chunk_bytes = 0
    for line in lines:
        chunk.append(line)
        chunk_bytes += len(line or b"")
        if len(chunk) == TOGETHER_MOST_ROWS or chunk_bytes >= TOGETHER_MOST_BYTES:
            yield chunk
            chunk, chunk_bytes = [], 0
    if chunk:
        yield chunk


def _score_together(scorer: RowScorer, lines: Sequence[bytes | None]) -> list[bytes | None]:
    """The results of the lines that can be scored in columns, None for the others; all None where nothing can be."""
    together = _find_columns()
    return [None] * len(lines) if together is None else together(scorer, lines)


@cache
def _find_columns() -> Together | None:
    """The column evaluator, read when lines first come together; None where it is not installed."""
    try:
        from app.api.batch_columns import score_lines
    except ModuleNotFoundError as missing:
        if missing.name not in ("pyarrow", "numpy"):
            raise
        return None
    return score_lines
