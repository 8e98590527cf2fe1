"""A body that is read ahead: what arrived together is found together, in order, and nobody waits for more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from app.api.problems import MalformedCallError
from app.api.read_ahead import ReadAhead


class Body:
    """Pieces that come when the test lets them, and how far they were asked for."""

    def __init__(self, *pieces: bytes | Exception | asyncio.Event) -> None:
        self.pieces = pieces
        self.taken = 0
        self.is_given_up = False

    async def __call__(self) -> AsyncIterator[bytes]:
        try:
            for piece in self.pieces:
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                elif isinstance(piece, Exception):
                    raise piece
                else:
                    self.taken += 1
                    yield piece
        except asyncio.CancelledError:
            self.is_given_up = True
            raise


def ahead_of(body: Body, *, most_bytes: int = 100) -> ReadAhead:
    return ReadAhead(body(), most_bytes=most_bytes)


def test_what_has_arrived_is_found_together() -> None:
    async def found() -> list[list[bytes]]:
        return [arrived async for arrived in ahead_of(Body(b"a", b"b", b"c")).together()]

    assert asyncio.run(found()) == [[b"a", b"b", b"c"]]


def test_a_body_of_nothing_is_over_at_once() -> None:
    async def found() -> list[list[bytes]]:
        return [arrived async for arrived in ahead_of(Body()).together()]

    assert asyncio.run(found()) == []


def test_nobody_waits_for_more_than_has_arrived() -> None:
    async def found() -> list[list[bytes]]:
        more, end = asyncio.Event(), asyncio.Event()
        seen = []
        async for arrived in ahead_of(Body(b"a", more, b"b", b"c", end)).together():
            # What comes after is only let in by whoever has seen what came before.
            seen.append(arrived)
            (more if len(seen) == 1 else end).set()
        return seen

    assert asyncio.run(found()) == [[b"a"], [b"b", b"c"]]


def test_it_reads_on_while_what_came_is_worked_on_but_not_for_ever() -> None:
    body = Body(*[b"12345"] * 100)

    async def work() -> list[int]:
        taken = []
        async for arrived in ahead_of(body, most_bytes=20).together():
            assert sum(map(len, arrived)) <= 20
            for _ in range(50):
                await asyncio.sleep(0)
            taken.append(body.taken)
        return taken

    assert asyncio.run(work()) == [min(100, 4 * (place + 2)) for place in range(25)]


def test_what_came_before_an_error_is_found_before_it() -> None:
    async def find() -> None:
        seen = []
        try:
            async for arrived in ahead_of(Body(b"a", b"b", MalformedCallError("no"))).together():
                seen += arrived
        finally:
            assert seen == [b"a", b"b"]

    with pytest.raises(MalformedCallError):
        asyncio.run(find())


def test_whoever_stops_early_leaves_nobody_reading() -> None:
    body = Body(b"a", asyncio.Event())

    async def stop() -> None:
        async with aclosing(ahead_of(body).together()) as arriving:
            assert await anext(arriving) == [b"a"]

    asyncio.run(stop())
    assert body.is_given_up
