"""An Arrow stream cut into its messages as it comes in, before a library with pointers looks at any of them.

A message says itself how long it is, how many rows it has and whether its buffers are packed. Each of these can be a
lie or a bomb: a length of terabytes, a million rows without a byte, a kilobyte that unpacks to a gigabyte. So the few
numbers that matter are read here, with bounds, from the FlatBuffers in which they stand (Arrow's `Message.fbs`).
"""

from collections.abc import AsyncIterator
from struct import Struct, error
from typing import Final, NamedTuple

from app.api.problems import MalformedCallError

METADATA_MOST_BYTES: Final = 1_048_576
MESSAGE_MOST_BYTES: Final = 16 * 1024 * 1024
ROWS_MOST: Final = 65_536
SCHEMA, DICTIONARY, RECORDS = 1, 2, 3

_MARK: Final = b"\xff\xff\xff\xff"
_U8, _U16, _I32, _U32, _I64 = (Struct(f"<{kind}") for kind in "BHiIq")


class Frame(NamedTuple):
    """One message.

    Attributes:
        kind: SCHEMA or RECORDS.
        whole: with its prefix, as it came.
        rows: of RECORDS.
    """

    kind: int
    whole: bytes
    rows: int


async def cut_frames(pieces: AsyncIterator[bytes]) -> AsyncIterator[Frame]:
    """The messages of a stream, one at a time; no more of it is held than one message and a piece.

    Raises:
        MalformedCallError: it is no such stream, it breaks off within a message, or a message is over the bounds.
    """
    held = bytearray()
    needed = 8
    head: tuple[int, int, int] | None = None
    async for piece in pieces:
        held += piece
        while len(held) >= needed:
            if head is None:
                metadata_bytes = _metadata_bytes(held)
                if metadata_bytes == 0:
                    return  # the end, as the stream itself says
                if len(held) < 8 + metadata_bytes:
                    needed = 8 + metadata_bytes
                    continue
                head = _read_head(bytes(held[8 : 8 + metadata_bytes]))
                needed = 8 + metadata_bytes + head[1]
                continue
            kind, _, rows = head
            frame = Frame(kind, bytes(held[:needed]), rows)
            del held[:needed]
            head, needed = None, 8
            yield frame
    if held:
        raise MalformedCallError("The Arrow stream breaks off within a message.")


def _metadata_bytes(held: bytearray) -> int:
    if held[:4] != _MARK:
        raise MalformedCallError("The body is no Arrow IPC stream (of version 0.15 or later).")
    size: int = _I32.unpack_from(held, 4)[0]
    if not 0 <= size <= METADATA_MOST_BYTES:
        raise _too_large()
    return size


def _read_head(metadata: bytes) -> tuple[int, int, int]:
    """Kind, bytes of the body, and rows."""
    try:
        message = _table(metadata, 0)
        kind = _number(metadata, message, 1, _U8)
        body_bytes = _number(metadata, message, 3, _I64)
        if not 0 <= body_bytes <= MESSAGE_MOST_BYTES:
            raise _too_large()
        if kind == SCHEMA:
            return kind, body_bytes, 0
        if kind == DICTIONARY:
            raise MalformedCallError("Columns of dictionaries are not read here. Send them as plain columns.")
        if kind != RECORDS:
            raise MalformedCallError("The Arrow stream holds a message that is neither schema nor record batch.")
        place = _field(metadata, message, 2)
        records = _table(metadata, place)
        rows = _number(metadata, records, 0, _I64)
        if _field(metadata, records, 3):
            raise MalformedCallError("Packed buffers are not read here. Pack the whole body with gzip instead.")
    except (error, IndexError):
        raise MalformedCallError("The Arrow stream holds a message that cannot be read.") from None
    if not 0 <= rows <= ROWS_MOST:
        raise MalformedCallError(f"A record batch may hold {ROWS_MOST} rows at most. Send more of them.")
    return kind, body_bytes, rows


def _too_large() -> MalformedCallError:
    return MalformedCallError(f"A message may hold {MESSAGE_MOST_BYTES} bytes at most. Send smaller record batches.")


def _table(data: bytes, place: int) -> int:
    """Where the table is that the offset at this place points to."""
    return place + int(_U32.unpack_from(data, place)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table is; 0 where it is left out."""
    vtable = table - int(_I32.unpack_from(data, table)[0])
    if vtable < 0:
        raise IndexError
    if 4 + 2 * number + 2 > int(_U16.unpack_from(data, vtable)[0]):
        return 0
    offset = int(_U16.unpack_from(data, vtable + 4 + 2 * number)[0])
    return table + offset if offset else 0


def _number(data: bytes, table: int, number: int, kind: Struct) -> int:
    place = _field(data, table, number)
    return int(kind.unpack_from(data, place)[0]) if place else 0
