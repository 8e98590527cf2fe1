"""`joint-risk keys`: make, list, revoke and export the keys that callers are let in by."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.access.scopes import SCOPES
from app.cli.endings import warn
from app.errors import UnreadableFileError

keys_app = typer.Typer(help="Make, list, revoke and export the keys of callers.", no_args_is_help=True)

_TEXT_MOST = 200


def _filled(text: str | None) -> str | None:
    if text is not None and not 0 < len(text.strip()) <= _TEXT_MOST:
        raise typer.BadParameter(f"1 to {_TEXT_MOST} characters, not only blanks.")
    return text if text is None else text.strip()


@contextmanager
def _told_at(option: str) -> Iterator[None]:
    """Says of which option it is that something cannot be understood."""
    try:
        yield
    except ValueError as refused:
        raise typer.BadParameter(f"{refused}.", param_hint=option) from None


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What the key is for, as in 'night batch'.", callback=_filled)],
    scope: Annotated[
        list[str],
        typer.Option(help=f"What it lets a caller do; several times for several: {', '.join(SCOPES)}.", metavar="S"),
    ],
    owner: Annotated[
        str | None,
        typer.Option(
            help="Whose it is: what ledgers record, and what a second person is told apart by; else NAME.",
            callback=_filled,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="From when on it is refused: 90d, 12h, 2027-01-31, 2027-01-31T12:00Z."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for machines; the key is the member key.")] = False,
) -> None:
    """Make a key and show it, this once."""
    from app.access import read_scopes
    from app.access.keys import derive_expiry, new_key
    from app.access.store import KeyStore
    from app.settings import read_settings
    from app.terminal.keys import describe_key
    from app.terminal.local import open_store
    from app.terminal.words import listed

    now = datetime.now(UTC)
    with _told_at("--scope"):
        scopes = read_scopes(scope)
    with _told_at("--expires"):
        expires_at = None if expires is None else derive_expiry(expires, now=now)
    with open_store(read_settings()) as engine:
        store = KeyStore(engine)
        is_first = not store.records()
        while True:
            key, record = new_key(name=name, scopes=scopes, owner=owner or name, expires_at=expires_at, now=now)
            if store.add(record):
                break
    if as_json:
        typer.echo(json.dumps({"key": key, **describe_key(record)}, ensure_ascii=False))
    else:
        typer.echo(key)
    may = f"{'scope' if len(record.scopes) == 1 else 'scopes'} {listed(record.scopes)}"
    until = f"until {record.expires_at:%Y-%m-%d %H:%M} UTC" if record.expires_at else "until it is revoked"
    warn(f"This key has the {may}, and is good {until}. Keep it: it is not shown again.")
    if is_first:
        warn("It is the first key: from now on, every call needs one.")


@keys_app.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="Print them for machines.")] = False,
) -> None:
    """List every key there ever was, newest first, by its visible prefix."""
    from app.access.store import KeyStore
    from app.settings import read_settings
    from app.terminal.keys import describe_key, print_keys
    from app.terminal.local import open_store
    from app.terminal.page import open_console

    with open_store(read_settings()) as engine:
        records = KeyStore(engine).records()
    if as_json:
        typer.echo(json.dumps([describe_key(record) for record in records], ensure_ascii=False))
    elif records:
        print_keys(records, now=datetime.now(UTC), console=open_console())
    else:
        warn("There are no keys. Make one: joint-risk keys create --name NAME --scope score")


@keys_app.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The visible part of the key, as in jrk_Ab3dEf6h.")],
) -> None:
    """Revoke a key for good; services notice within their poll time."""
    from app.access.keys import prefix_of
    from app.access.store import KeyStore
    from app.settings import read_settings
    from app.terminal.local import name_of_user, open_store

    with open_store(read_settings()) as engine:
        # Whoever pastes the whole key means the same.
        record = KeyStore(engine).revoke(prefix_of(prefix), by=name_of_user(), at=datetime.now(UTC))
    typer.echo(f"{record.prefix} is revoked since {record.revoked_at:%Y-%m-%d %H:%M} UTC, by {record.revoked_by}.")


@keys_app.command("export")
def export_keys(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Where to; - is standard output.")],
) -> None:
    """Write the keys' hashes into a file, for a service that runs without a store."""
    from app.access.files import write_key_file
    from app.access.store import KeyStore
    from app.settings import read_settings
    from app.terminal.local import open_store

    with open_store(read_settings()) as engine:
        written = write_key_file(KeyStore(engine).records())
    if file == "-":
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()
        return
    try:
        Path(file).write_bytes(written)
    except OSError:
        raise UnreadableFileError(file) from None
