"""A database as a stranger meets it: the bare driver, raw SQL, none of our code in between."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import make_url

REFUSALS = (sqlite3.IntegrityError, psycopg.IntegrityError)
LEDGERS = ("rule_set_version", "rule_set_activation", "rule_set_withdrawal", "api_key")
MOMENT = "2026-11-25 00:00:00.000000"


def digest(letter: str) -> str:
    """A digest that is well formed and belongs to nothing."""
    return "sha256:" + letter * 64


class RawDatabase:
    """One connection of the bare driver; each statement stands alone, committed or refused."""

    def __init__(self, connection: sqlite3.Connection | psycopg.Connection[Any]) -> None:
        self._connection = connection

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables whose rows must stay."""
        return {table: self.run(f"SELECT * FROM {table} ORDER BY 1") for table in LEDGERS}

    def slipped(self, statements: list[str]) -> list[str]:
        """Those of `statements` that were not refused, or that left a trace although they were."""
        slipped = []
        for statement in statements:
            before = self.everything()
            try:
                self.run(statement)
            except REFUSALS:
                if self.everything() == before:
                    continue
            slipped.append(statement)
        return slipped

    def publish(self, version: str, *, digest_letter: str) -> None:
        year, number = version.split(".")
        self.run(
            "INSERT INTO rule_set_version"
            " (version, year, number, digest, published_at, published_by, authors, reason, document)"
            f" VALUES ('{version}', {year}, {number}, '{digest(digest_letter)}', '{MOMENT}', 'ann', '[\"ann\"]',"
            " 'new evidence', '{}')"
        )

    def activate(
        self,
        sequence: int,
        version: str | None,
        *,
        effective_at: str | None = None,
        activated_at: str = MOMENT,
        cancels: str = "[]",
    ) -> None:
        what = f"'{version}', '{effective_at or activated_at}'" if version else "NULL, NULL"
        self.run(
            "INSERT INTO rule_set_activation"
            " (sequence, version, effective_at, activated_at, activated_by, reason, cancels)"
            f" VALUES ({sequence}, {what}, '{activated_at}', 'bob', 'reviewed', '{cancels}')"
        )

    def withdraw(self, sequence: int, version: str) -> None:
        self.run(
            "INSERT INTO rule_set_withdrawal (sequence, version, withdrawn_at, withdrawn_by, reason)"
            f" VALUES ({sequence}, '{version}', '{MOMENT}', 'bob', 'a wrong number')"
        )

    def make_key(self, prefix: str, *, hash_letter: str) -> None:
        self.run(
            "INSERT INTO api_key (prefix, hash, name, owner, scopes, created_at)"
            f" VALUES ('{prefix}', '{digest(hash_letter)}', 'night batch', 'ann', '[\"score\"]', '{MOMENT}')"
        )


@contextmanager
def open_raw(database_url: str) -> Iterator[RawDatabase]:
    """A raw connection to a database of ours."""
    url = make_url(database_url)
    connection: sqlite3.Connection | psycopg.Connection[Any]
    if url.get_backend_name() == "sqlite":
        connection = sqlite3.connect(url.database or "", isolation_level=None)
    else:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg.connect(address, autocommit=True, options="-c timezone=UTC")
    try:
        yield RawDatabase(connection)
    finally:
        connection.close()
