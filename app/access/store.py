"""The table of keys is read and written here; the database itself lets a key be revoked and nothing else.

It is made by the first migration, triggers included. A key is never deleted: once there was one, the service asks for
keys for ever.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import CheckConstraint, Column, Connection, Engine, Row, Table, Text, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.access.keys import KeyRecord
from app.database import JsonList, UtcDateTime, ask, filled, metadata, sha256_form
from app.errors import StoreAwayError, UnknownKeyError

Answer = TypeVar("Answer")

api_key = Table(
    "api_key",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("scopes", JsonList, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", Text),
    sha256_form("hash"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_someone"),
    *filled("prefix", "name", "owner"),
    sqlite_with_rowid=False,
)


class KeyStore:
    """Reads, adds and revokes keys; every question is answered, or raises `StoreAwayError`, within the timeout."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def marker(self) -> object:
        """Something that differs whenever the list does: rows are only ever added, and revoked once.

        Raises:
            StoreAwayError: the database does not answer.
        """
        table = api_key
        query = select(
            func.count(), func.count(table.c.revoked_at), func.max(table.c.created_at), func.max(table.c.revoked_at)
        )
        return tuple(ask(self._engine, lambda connection: connection.execute(query).one()))

    def records(self) -> list[KeyRecord]:
        """Every key there ever was, newest first.

        Raises:
            StoreAwayError: the database does not answer.
        """
        query = select(api_key).order_by(api_key.c.created_at.desc(), api_key.c.prefix)
        return ask(self._engine, lambda connection: [_record(row) for row in connection.execute(query)])

    def add(self, record: KeyRecord) -> bool:
        """Adds a key; False where another has its prefix already, which one in 2 ** 48 has.

        Raises:
            StoreAwayError: the database does not answer. Nothing was changed.
        """
        row = {column.name: getattr(record, column.name) for column in api_key.columns}
        row["scopes"] = list(record.scopes)

        def change(connection: Connection) -> bool:
            # Asked in the same transaction; the primary key stands behind it.
            taken = connection.scalar(select(func.count()).where(api_key.c.prefix == record.prefix))
            if not taken:
                connection.execute(insert(api_key), row)
            return not taken

        return self._change(change)

    def revoke(self, prefix: str, *, by: str, at: datetime) -> KeyRecord:
        """Revokes a key and returns it; one that was revoked already stays as it is.

        Raises:
            UnknownKeyError: there is no such key.
            StoreAwayError: the database does not answer. Nothing was changed.
        """
        found = select(api_key).where(api_key.c.prefix == prefix)

        def change(connection: Connection) -> KeyRecord:
            unrevoked = api_key.c.prefix == prefix, api_key.c.revoked_at.is_(None)
            connection.execute(update(api_key).where(*unrevoked).values(revoked_at=at, revoked_by=by))
            row = connection.execute(found).first()
            if row is None:
                raise UnknownKeyError(prefix)
            return _record(row)

        return self._change(change)

    def _change(self, change: Callable[[Connection], Answer]) -> Answer:
        try:
            with self._engine.connect() as connection:
                connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
                with connection.begin():
                    return change(connection)
        except IntegrityError:
            raise  # the store answers, and what it says is no outage
        except (DBAPIError, PoolTimeoutError) as failure:
            raise StoreAwayError from failure


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord(**{**row._mapping, "scopes": tuple(row.scopes)})
