"""Training files on this machine: found in folders, read one after the other, none held for longer than it is read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

from app.errors import Fault, InvalidInputError, UnreadableFileError
from app.readers import READERS
from app.readers.activities import ReadingFinding
from app.readers.assembly import Collected, assemble
from app.readers.containers import FILE_MOST_BYTES, MIB, SURE_SUFFIXES, Room
from app.readers.content import Content, safe_name
from app.readers.importing import find_zone, is_anything_read, read_into

PACKED: Final = (".zip", ".gz")
_SUFFIXES: Final = tuple({suffix for reader in READERS.values() for suffix in reader.suffixes}) + PACKED

Step = Callable[[str], None]
Progress = Callable[[int], AbstractContextManager[Step]]


def find_files(paths: Iterable[str]) -> list[tuple[Path, bool]]:
    """The files, and those in folders that may hold training; with each whether it was named, and so has to be read.

    Raises:
        UnreadableFileError: there is no such file or folder.
    """
    found: dict[Path, bool] = {}
    for name in paths:
        path = Path(name)
        try:
            if path.is_dir():
                for below in sorted(path.rglob("*")):
                    hidden = any(part.startswith(".") for part in below.relative_to(path).parts)
                    if below.suffix.lower() in _SUFFIXES and not hidden and below.is_file():
                        found.setdefault(below, below.name.lower().removesuffix(".gz").endswith(SURE_SUFFIXES))
            elif path.exists():
                found[path] = True
            else:
                raise UnreadableFileError(name)
        except OSError as failure:
            raise UnreadableFileError(name) from failure
    return list(found.items())


def import_files(
    paths: Iterable[str], *, today: date, as_of: date | None, time_zone: str | None, progress: Progress
) -> dict[str, Any]:
    """The answer that `POST /v1/training:import` would give for these files and folders.

    Raises:
        UnreadableFileError: there is no such file or folder.
        InvalidInputError: not one of the files can be read, or there is no such time zone.
    """
    zone = find_zone(time_zone)
    files = find_files(paths)
    if not files:
        raise InvalidInputError([Fault("/files", "missing", "There is no training file in there.")])
    collected = Collected()
    with progress(len(files)) as step:
        for path, is_expected in files:
            step(safe_name(path.name))
            _read_one(collected, path, is_expected=is_expected)
    if collected.findings and not is_anything_read(collected):
        # They are the user's own: here their names say more than their places.
        named = [f"{found.source}: {found.detail}" for found in collected.findings]
        raise InvalidInputError([Fault("/files", "unreadable-file", detail) for detail in named])
    return assemble(collected, today=today, as_of=as_of, zone=zone)


def _read_one(collected: Collected, path: Path, *, is_expected: bool) -> None:
    try:
        if path.stat().st_size > FILE_MOST_BYTES:
            detail = f"It is larger than {FILE_MOST_BYTES // MIB} MiB. Unpack an archive, and give its folder."
            collected.findings.append(ReadingFinding("unreadable-file", safe_name(path.name), detail=detail))
            return
        raw = path.read_bytes()
    except OSError:
        detail = "Check the permissions."
        collected.findings.append(ReadingFinding("unreadable-file", safe_name(path.name), detail=detail))
        return
    if is_expected:
        read_into(collected, Content(raw, name=path.name), room=Room())
        return
    # A folder holds other tables and records too: one that is no training is passed over without a word.
    apart = Collected()
    read_into(apart, Content(raw, name=path.name), room=Room())
    if apart.activities:
        collected.take(apart.activities, apart.findings)


@contextmanager
def no_progress(_count: int) -> Iterator[Step]:
    """Shows nothing."""
    yield lambda _name: None


@contextmanager
def progress_bar(count: int) -> Iterator[Step]:
    """A bar on standard error, where that is a terminal; nothing is shown of one file."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("Reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal or count < 2) as bar:
        task = bar.add_task("", total=count)

        def step(name: str) -> None:
            bar.update(task, description=name[:30], advance=1)

        yield step


def fill_in(request: object, imported: dict[str, Any]) -> dict[str, Any]:
    """A request with the training that was read, and with the other sport where it does not tell it itself.

    What the request says of its log (the plan, the first day) stays; sessions and weeks are those of the files.

    Raises:
        InvalidInputError: it is no JSON object.
    """
    if not isinstance(request, dict):
        raise InvalidInputError([Fault("", "wrong-type", "The profile must be a JSON object.")])
    # The runner alone will do.
    whole: dict[str, Any] = dict(request) if request.keys() & {"runner", "training", "as_of"} else {"runner": request}
    runner = whole.get("runner") or {}
    if isinstance(runner, dict):
        hours = imported["other_sport_hours_per_week"]
        if hours is not None and runner.get("other_sport_hours_per_week") is None:
            runner = {**runner, "other_sport_hours_per_week": hours}
        whole["runner"] = runner
    told = whole.get("training") or {}
    if isinstance(told, dict):
        kept = {name: member for name, member in told.items() if name not in ("sessions", "weekly_distance_m")}
        read = {name: member for name, member in imported["training"].items() if member is not None}
        whole["training"] = {**read, **{name: member for name, member in kept.items() if member is not None}}
    return whole
