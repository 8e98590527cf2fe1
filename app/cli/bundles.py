"""`joint-risk rules export`: one version for another store, or a bundle for a service without one."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.errors import UnreadableFileError


def export_rules(
    versions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VERSION]...",
            help="The version to write; or those to take along in a bundle, beside those in force and scheduled.",
        ),
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-", help="A bundle, and where to; - is standard output. Serve it with: serve --bundle FILE"
        ),
    ] = None,
) -> None:
    """Write one version to standard output, for 'rules import'; or a bundle, for a service without a store."""
    if bundle is None:
        _export_version(versions or [])
        return
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


def _export_version(versions: list[str]) -> None:
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store
    from app.terminal.rule_sets import write_version_file

    if len(versions) != 1:
        raise typer.BadParameter("say one VERSION, or --bundle for several in one file.")
    with open_store(read_settings()) as engine:
        written = write_version_file(RuleSetStore(engine).version(versions[0]))
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()
