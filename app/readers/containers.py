"""What files are packed in: a `.zip` of many, a `.gz` of one. Unpacked in memory, within limits, and never to a path.

A part's name in an archive is text to print, and nothing else. What is no training file, and exports are full of it, is
passed over and counted; what calls itself one and cannot be read is named.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from app.errors import UnreadableTrainingError
from app.readers.activities import ReadingFinding
from app.readers.content import Content

MIB: Final = 1_048_576
UNPACKED_MOST_BYTES: Final = 256 * MIB
"""All that is unpacked in one import, together."""
FILE_MOST_BYTES: Final = 64 * MIB
RATIO_MOST: Final = 100
RATIO_FROM_BYTES: Final = MIB
"""Below this nothing can do harm, however well it was packed."""
ENTRIES_MOST: Final = 10_000
SURE_SUFFIXES: Final = (".fit", ".gpx", ".tcx")
"""Nothing but training is called so; a part with another name may be anything."""


@dataclass(slots=True)
class Room:
    """How much may still be unpacked in this import."""

    left_bytes: int = UNPACKED_MOST_BYTES

    def take(self, size_bytes: int, *, source: str) -> None:
        """Takes some of it.

        Raises:
            UnreadableTrainingError: there is not as much left.
        """
        if size_bytes > self.left_bytes:
            reason = f"More than {UNPACKED_MOST_BYTES // MIB} MiB would be unpacked in one import."
            raise UnreadableTrainingError(source, reason)
        self.left_bytes -= size_bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One file as it comes out: its content, or why there is none.

    Attributes:
        is_expected: whether a reader has to be found for it; else it is passed over where there is none.
        place: which of an archive's files it is, counted from 0 and without folders; None: no archive of many.
    """

    content: Content
    is_expected: bool = True
    refusal: UnreadableTrainingError | None = None
    place: int | None = None


def unpack(content: Content, *, room: Room) -> Iterator[Part | ReadingFinding]:
    """The files in a file: itself, where it is no archive."""
    if content.raw.startswith(b"PK\x03\x04") or content.raw.startswith(b"PK\x05\x06"):
        yield from _unzip(content, room)
    elif content.raw.startswith(b"\x1f\x8b"):
        yield from _gunzip(content, room, is_expected=True)
    else:
        yield Part(content)


def _gunzip(content: Content, room: Room, *, is_expected: bool) -> Iterator[Part | ReadingFinding]:
    name = content.name.removesuffix(".gz").removesuffix(".GZ")
    most = min(FILE_MOST_BYTES, max(RATIO_MOST * len(content.raw), RATIO_FROM_BYTES), room.left_bytes)
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        raw = unpacking.decompress(content.raw, most + 1)
    except zlib.error:
        yield _refused(content, "It is damaged: what is packed in it cannot be unpacked.", is_expected=is_expected)
        return
    inner = Content(raw, name=name)
    try:
        if len(raw) > most:
            reason = f"It unpacks to more than {FILE_MOST_BYTES // MIB} MiB, or to {RATIO_MOST} times its size."
            raise UnreadableTrainingError(content.name, reason)
        room.take(len(raw), source=content.name)
        if raw.startswith((b"PK\x03\x04", b"\x1f\x8b")):
            raise UnreadableTrainingError(content.name, "It holds an archive; only the files in one archive are read.")
    except UnreadableTrainingError as refusal:
        yield Part(Content(b"", name=content.name), is_expected, refusal)
        return
    if not unpacking.eof:
        yield ReadingFinding("salvaged", content.name, detail="It is packed, and breaks off.")
    elif unpacking.unused_data.strip(b"\0"):
        yield ReadingFinding("salvaged", content.name, detail="More stands behind the one file that is packed in it.")
    yield Part(inner, is_expected)


def _unzip(content: Content, room: Room) -> Iterator[Part | ReadingFinding]:
    try:
        archive = ZipFile(BytesIO(content.raw))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except Exception:  # noqa: BLE001 - what a directory of an archive that was tampered with raises is not promised
        yield _refused(content, "It is a damaged archive: its directory cannot be read.", is_expected=True)
        return
    if len(entries) > ENTRIES_MOST:
        yield _refused(content, f"It is an archive of more than {ENTRIES_MOST} files.", is_expected=True)
        return
    with archive:
        for place, entry in enumerate(entries):
            if "__MACOSX/" in entry.filename or entry.filename.rpartition("/")[2].startswith("."):
                continue
            for part in _unzip_one(archive, entry, room):
                yield replace(part, place=place) if isinstance(part, Part) else part


def _unzip_one(archive: ZipFile, entry: ZipInfo, room: Room) -> Iterator[Part | ReadingFinding]:
    named = Content(b"", name=entry.filename)
    lower = entry.filename.lower()
    is_expected = lower.removesuffix(".gz").endswith(SURE_SUFFIXES)
    try:
        raw = _read_entry(archive, entry, room, source=named.name)
    except UnreadableTrainingError as refusal:
        yield Part(named, is_expected, refusal)
        return
    content = Content(raw, name=entry.filename)
    if raw.startswith(b"\x1f\x8b"):
        yield from _gunzip(content, room, is_expected=is_expected)
    elif raw.startswith(b"PK\x03\x04"):
        yield _refused(content, "It is an archive in an archive, which is not opened.", is_expected=is_expected)
    else:
        yield Part(content, is_expected)


def _read_entry(archive: ZipFile, entry: ZipInfo, room: Room, *, source: str) -> bytes:
    if entry.flag_bits & 0x1:
        raise UnreadableTrainingError(source, "It is encrypted.")
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UnreadableTrainingError(source, "It is packed in another way than deflate.")
    # What an archive says of its sizes is held to while it is unpacked, and not believed.
    most = min(FILE_MOST_BYTES, max(RATIO_MOST * entry.compress_size, RATIO_FROM_BYTES))
    if entry.file_size > most:
        reason = f"It unpacks to more than {FILE_MOST_BYTES // MIB} MiB, or to {RATIO_MOST} times its size."
        raise UnreadableTrainingError(source, reason)
    room.take(entry.file_size, source=source)
    try:
        with archive.open(entry) as unpacking:
            return unpacking.read(entry.file_size + 1)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - what an entry that was tampered with raises is not promised
        raise UnreadableTrainingError(source, "It is damaged: what is packed in it cannot be unpacked.") from None


def _refused(content: Content, reason: str, *, is_expected: bool) -> Part:
    return Part(Content(b"", name=content.name), is_expected, UnreadableTrainingError(content.name, reason))
