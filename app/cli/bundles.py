"""`joint-risk rules export --bundle FILE`: versions and their schedule in one file, for a service without a store."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.errors import UnreadableFileError


def export_rules(
    bundle: Annotated[
        str, typer.Option(metavar="FILE|-", help="Where to; - is standard output. Serve it with: serve --bundle FILE")
    ],
    versions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VERSION]...", help="Versions to take along, beside those in force and scheduled."),
    ] = None,
) -> None:
    """Write the rules in force, those scheduled and any others into one file, each with its digest."""
    from app.rule_sets.bundle import write_bundle
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store

    with open_store(read_settings()) as engine:
        written = write_bundle(RuleSetStore(engine), versions=versions or [], now=datetime.now(UTC))
    if bundle == "-":
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()
        return
    try:
        Path(bundle).write_bytes(written)
    except OSError:
        raise UnreadableFileError(bundle) from None
