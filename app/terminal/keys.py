"""Keys as a person or a machine reads them: all that is kept of them, which is never the key."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from app.access.keys import KeyRecord
from app.terminal.page import print_parts, say


def describe_key(record: KeyRecord) -> dict[str, Any]:
    """What is kept of a key, but for its hash, as JSON can hold it."""
    return {
        "prefix": record.prefix,
        "name": record.name,
        "owner": record.owner,
        "scopes": list(record.scopes),
        "created_at": _moment(record.created_at),
        "expires_at": _moment(record.expires_at),
        "revoked_at": _moment(record.revoked_at),
        "revoked_by": record.revoked_by,
    }


def print_keys(records: Sequence[KeyRecord], *, now: datetime, console: Console) -> None:
    """Prints keys, as they are given, and which of them are no good any more."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("prefix", "name", "owner", "scopes", "made", "standing"):
        table.add_column(column, no_wrap=column in ("prefix", "made"))
    for record in records:
        standing, is_good = _standing_of(record, now)
        table.add_row(
            say(record.prefix, style="bold"),
            say(record.name),
            say(record.owner),
            say(" ".join(record.scopes)),
            f"{record.created_at:%Y-%m-%d}",
            say(standing, style="green" if is_good else "red"),
        )
    print_parts([table], console=console)


def _standing_of(record: KeyRecord, now: datetime) -> tuple[str, bool]:
    if record.revoked_at is not None:
        return f"revoked {record.revoked_at:%Y-%m-%d} by {record.revoked_by}", False
    if record.expires_at is None:
        return "good", True
    is_good = now < record.expires_at
    return f"{'good until' if is_good else 'expired'} {record.expires_at:%Y-%m-%d %H:%M}", is_good


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
