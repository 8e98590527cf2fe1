"""`joint-risk training`: what training files hold, week by week, and what is doubtful about it."""

import json
import sys
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

TimeZone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="IANA time zone of starts that a file tells in UTC alone.")
]


def training(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, .zip or .gz.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer for machines, and nothing else.")] = False,
    as_of: Annotated[
        str | None, typer.Option(metavar="DAY", help="The day to import for, as 2026-11-23; else today.")
    ] = None,
    time_zone: TimeZone = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every week and every doubt.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")] = False,
) -> None:
    """Show what training files hold: weeks, distances, doubts."""
    answer = read_training(paths, as_of=as_of, time_zone=time_zone)
    if as_json:
        sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        sys.stdout.buffer.flush()
        return
    from app.terminal.page import open_console
    from app.terminal.training_page import print_training

    console = open_console(colour="never" if no_color else "auto")
    print_training(answer, console=console, extent="all" if everything else "most")


def read_training(paths: list[str], *, as_of: str | None, time_zone: str | None) -> dict[str, Any]:
    """What the files and folders hold, with a bar while they are read."""
    from app.terminal.training_files import import_files, progress_bar

    try:
        day = None if as_of is None else date.fromisoformat(as_of)
    except ValueError:
        raise typer.BadParameter("a day is written as 2026-11-23.", param_hint="--as-of") from None
    today = datetime.now(UTC).date()
    return import_files(paths, today=today, as_of=day, time_zone=time_zone, progress=progress_bar)
