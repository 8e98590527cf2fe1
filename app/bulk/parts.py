"""The files of a run: which there are, in what form, and what each becomes."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from app.errors import Fault, UnreadableFileError, UnusableFileError

Form = Literal["parquet", "arrow", "csv", "jsonl"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

SUFFIXES: Final[dict[str, Form]] = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl",
}
"""What a file is, by the end of its name."""


class Part(NamedTuple):
    """One input file.

    Attributes:
        path: under the input folder, with `/`; for an input that is a file, its name.
        size_bytes: as it was when the run began.
        sha256: of all of it, in hexadecimal.
    """

    path: str
    size_bytes: int
    sha256: str


def find_parts(source: Path) -> list[Part]:
    """Every file of runners under a folder (or the one file), in the order of their paths, each read once to digest it.

    Names that begin with `_` or `.` are nobody's data, as everywhere where files of a table lie in folders.

    Raises:
        UnreadableFileError: there is no such file, or it cannot be read.
        UnusableFileError: there is none that is read here.
    """
    paths = [source.name] if source.is_file() else sorted(_walk(source))
    known = [path for path in paths if form_of(path) is not None]
    if not source.exists():
        raise UnreadableFileError(str(source))
    if not known:
        detail = f"There is no file of runners: their names end in {', '.join(SUFFIXES)}."
        raise UnusableFileError(str(source), [Fault("", "no-parts", detail)])
    return [_digest(path, locate(source, path)) for path in known]


def locate(source: Path, path: str) -> Path:
    """Where a part is."""
    return source if source.is_file() else source / path


def form_of(path: str) -> Form | None:
    """What a file is; None for what is not read here.

    >>> form_of("day=1/Part-0.CSV.GZ"), form_of("notes.txt")
    ('csv', None)
    """
    name = path.lower()
    return next((form for suffix, form in SUFFIXES.items() if name.endswith(suffix)), None)


def output_path(path: str, form: Form) -> str:
    """The path of what a part becomes: in the same folders, so that Hive partitions stay what they are.

    >>> output_path("country=de/runners-0.csv.gz", "parquet")
    'country=de/runners-0.parquet'
    """
    suffix = next(suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if path.lower().endswith(suffix))
    return f"{path[: -len(suffix)]}.{form}"


def check_outputs(parts: list[Part], form: Form) -> list[Fault]:
    """Parts that would become the same file."""
    becoming = Counter(output_path(part.path, form) for part in parts)
    return [
        Fault(f"/{path}", "same-output", f"{count} input parts would become {path}. Rename all but one.")
        for path, count in becoming.items()
        if count > 1
    ]


def _walk(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        for name in files:
            if not name.startswith(("_", ".")):
                yield (Path(place) / name).relative_to(folder).as_posix()


def _digest(path: str, file: Path) -> Part:
    try:
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            return Part(path, opened.tell(), sha256)
    except OSError as failure:
        raise UnreadableFileError(str(file)) from failure
