"""Files that are whole or not there: written beside their place, on the disk, then renamed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

UNFINISHED: Final = ".unfinished"
"""How the name of a file ends that nobody has to look at: its writer is at work, or was killed."""


@contextmanager
def written_whole(file: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes its place once it is whole and on the disk; on an error it leaves nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # Of this process alone: one that was killed may still be finishing its last write of the same part.
    beside = file.with_name(f".{file.name}.{os.getpid()}{UNFINISHED}")
    try:
        with beside.open("wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(file)
        sync_folder(file.parent)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(file: Path, text: str) -> None:
    """Writes a text so that whoever looks finds all of it or none."""
    with written_whole(file) as opened:
        opened.write(text.encode())


def write_json(file: Path, told: Any) -> None:
    """Writes JSON in the same way, the same bytes for the same members."""
    write_whole(file, json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


def sync_folder(folder: Path) -> None:
    """Puts the names in a folder on the disk: a rename alone may be forgotten in a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sweep(folder: Path) -> None:
    """Takes away what killed writers left."""
    for file in folder.rglob(f".*{UNFINISHED}"):
        file.unlink(missing_ok=True)
