"""The database answers within seconds or counts as away, and only migrations change its shape.

SQLite (one file, write-ahead log) is the embedded default, PostgreSQL serves more than one replica. On both, every
transaction is begun in so many words, so that a migration that fails leaves nothing half done.
"""

import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.types import TypeEngine

from app.errors import LedgerRefusedError, SchemaAheadError, SchemaBehindError, StoreAwayError
from app.mounts import ensure_own_disk, is_ephemeral
from app.settings import derive_driver_url

if TYPE_CHECKING:
    from alembic.config import Config
    from psycopg import Connection as PsycopgConnection

Answer = TypeVar("Answer")
SchemaState = Literal["current", "behind", "ahead", "empty"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# At most two connections a process: one for the poll, one for whoever asks for a version that is not in memory.
_POOL_SIZE = 2
_CONNECT_TIMEOUT_MOST_S = 5
_WAL_RETRY_S = 0.02
_STATEMENT_OF_A_MIGRATION_S = 60
_TABLE_LOCK_OF_A_MIGRATION_S = 5
# Statement timeout, lock timeout, deadlock, serialization: each says that others were at it.
_WAITED_TOO_LONG = ("57014", "55P03", "40P01", "40001")
_WRITE_MOST_S = 8.0
_WRITE_AGAIN_S = 0.01
# The one that the triggers of migration 0001 take.
_LEDGER_LOCK = 7_301_266_402_002
# Any number will do, as long as nothing else in the same database takes advisory locks by it.
_MIGRATION_LOCK = 7_301_266_402_001


class UtcDateTime(TypeDecorator[datetime]):
    """A moment goes in aware and comes out aware, in UTC, also where the database keeps no offset (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC goes in, whatever offset it was given in; a moment without one is refused."""
        if value is not None and value.tzinfo is None:
            raise ValueError("A moment needs an offset from UTC.")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware comes out: SQLite's rows are in UTC, PostgreSQL's in the offset of the session."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonList(TypeDecorator[list[Any]]):
    """A list in JSON, in the kind of column that each database keeps JSON in."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSONB on PostgreSQL, imported only there: it brings that whole dialect with it."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())


def filled(*columns: str) -> list[CheckConstraint]:
    """The checks that each of these texts is more than blanks."""
    return [CheckConstraint(f"length(trim({column})) > 0", name=f"{column}_filled") for column in columns]


def sha256_form(column: str) -> CheckConstraint:
    """The check that a text is `sha256:` and 64 lower-case hexadecimal digits."""
    digits = f"ltrim(substr({column}, 8), '0123456789abcdef') = ''"
    return CheckConstraint(
        f"length({column}) = 71 AND substr({column}, 1, 7) = 'sha256:' AND {digits}", name=f"{column}_form"
    )


def connect_engine(database_url: str, *, timeout_s: float = 2.0) -> Engine:
    """An engine whose every question is answered, or has failed, after about `timeout_s`. Connects to nothing yet.

    Raises:
        ValueError: the address names no database that is supported.
        InvalidSettingsError: it names a file on a network.
    """
    url = make_url(derive_driver_url(database_url))
    pool: dict[str, Any] = {"pool_size": _POOL_SIZE, "max_overflow": 0, "pool_timeout": timeout_s}
    if url.get_backend_name() == "sqlite":
        if url.database and not url.database.startswith("file:"):
            ensure_own_disk(Path(url.database), named_by="JOINT_RISK_DATABASE_URL")
            # Where the folder cannot be made, opening the file fails next, as any other database that is away.
            with suppress(OSError):
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": timeout_s}, **pool)
        _prepare_sqlite(engine, timeout_s=timeout_s)
        return engine
    # A pooler between us and the server (PgBouncer and the like) hands every transaction another session. So nothing
    # is set on the session, nothing is prepared on it, and nothing but the usual goes into the startup packet.
    engine = create_engine(
        url,
        connect_args={
            "connect_timeout": max(2, math.ceil(min(timeout_s, _CONNECT_TIMEOUT_MOST_S))),
            "prepare_threshold": None,
            "application_name": "joint-risk",
        },
        use_native_hstore=False,
        **pool,
    )
    _prepare_postgresql(engine, timeout_s=timeout_s)
    return engine


def is_store_ephemeral(database_url: str) -> bool:
    """Whether the store is a file that goes when its container goes."""
    url = make_url(derive_driver_url(database_url))
    return url.get_backend_name() == "sqlite" and is_ephemeral(Path(url.database or ""))


def connect_nowhere() -> Engine:
    """An engine on no database at all: every question is answered as by one that is away, at once."""

    def refuse() -> sqlite3.Connection:
        raise sqlite3.OperationalError("There is no store.")

    return create_engine("sqlite://", creator=refuse)


def _prepare_sqlite(engine: Engine, *, timeout_s: float) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own transaction control leaves CREATE TABLE outside every transaction; ours is below.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        _ensure_write_ahead_log(connection, timeout_s=timeout_s)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _ensure_write_ahead_log(connection: sqlite3.Connection, *, timeout_s: float) -> None:
    """Turns the write-ahead log on, once in the life of a file.

    The change needs the file to itself and SQLite does not wait for that, whatever the busy timeout: of many processes
    that open a new file at once, all but one would fail. So it is tried again until the time is over.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_WAL_RETRY_S)


def _prepare_postgresql(engine: Engine, *, timeout_s: float) -> None:
    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Dialect, _record: object, args: list[Any], options: dict[str, Any]) -> Any:
        return _punctual_connection(timeout_s).connect(*args, **options)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {round(timeout_s * 1000)}")


@cache
def _punctual_connection(timeout_s: float) -> "type[PsycopgConnection[Any]]":
    """A connection class that gives up by its own clock.

    The server's statement timeout says nothing when the server is frozen, or the network swallows its answer.
    """
    import psycopg  # here, because a service on SQLite never needs it

    patience_s = timeout_s + 0.5  # so that a server that is well speaks first, and the connection stays usable

    class PunctualConnection(psycopg.Connection[Any]):
        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            deadline = time.monotonic() + patience_s
            try:
                return super().wait(gen, interval=interval, timeout=patience_s if timeout is None else timeout)
            except psycopg.OperationalError:
                if time.monotonic() >= deadline:
                    # What comes back later belongs to no question that anybody still asks; and the pool, which would
                    # try to roll back on it, fails at that with a page of traceback in the log.
                    self.close()
                raise

    return PunctualConnection


def ask(engine: Engine, question: Callable[[Connection], Answer]) -> Answer:
    """What the database answers to `question`, which only reads, in one transaction.

    A pooled connection may have died since it was last used (the server was restarted, say): that is noticed at once,
    and the question is put again on a new one.

    Raises:
        StoreAwayError: no answer, for whatever reason the database gives (a table that is not there yet included).
    """
    asked_at = time.monotonic()
    for attempt in (1, 2):
        try:
            with engine.connect() as connection:
                return question(connection)
        except PoolTimeoutError as failure:
            raise StoreAwayError from failure
        except DBAPIError as failure:
            died_at_once = failure.connection_invalidated and time.monotonic() - asked_at < 0.5
            if attempt == 2 or not died_at_once:
                raise StoreAwayError from failure
    raise AssertionError("unreachable: the second attempt returns or raises")


def write(engine: Engine, act: Callable[[Connection], Answer]) -> Answer:
    """What `act` answers, which reads and writes in one transaction, one writer at a time whatever the process.

    The lock is the one that the triggers of the ledgers take: what `act` has read stays so until it is done. An error
    of ours that it raises undoes everything. Whoever has to wait for other writers waits a few seconds.

    Raises:
        StoreAwayError: the database does not answer, or others write for too long. Where it stopped answering at the
            very end, nobody can say whether it was done: asking again tells.
        LedgerRefusedError: the database refused a row. Nothing was changed.
    """
    deadline = time.monotonic() + _WRITE_MOST_S
    while True:
        is_ending = False
        try:
            with engine.connect() as connection:
                connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
                with connection.begin():
                    if connection.dialect.name == "postgresql":
                        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LEDGER_LOCK})"))
                    answer = act(connection)
                    is_ending = True
            return answer
        except IntegrityError as failure:
            raise LedgerRefusedError from failure
        except (DBAPIError, PoolTimeoutError) as failure:
            if is_ending or not _is_passing(failure) or time.monotonic() >= deadline:
                raise StoreAwayError from failure
        time.sleep(_WRITE_AGAIN_S)


def _is_passing(failure: SQLAlchemyError) -> bool:
    """Whether it is only that others write, or that a pooled connection had died."""
    if isinstance(failure, PoolTimeoutError):
        return True
    if not isinstance(failure, DBAPIError):
        return False
    cause = failure.orig
    is_locked = isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause)
    has_waited = getattr(cause, "sqlstate", None) in _WAITED_TOO_LONG
    return failure.connection_invalidated or is_locked or has_waited


def _revisions(connection: Connection) -> list[str]:
    """Where the migrations stand; nothing where none was ever run."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def schema_state(engine: Engine) -> SchemaState:
    """How the database's schema stands to this release.

    Returns:
        "current": this release can work on it: its own, or the one after it, since replicas of the old release go on
        while a new one is rolled out, and one step only adds. "behind": needs `migrate`. "ahead": further on than
        that. "empty": never migrated.

    Raises:
        StoreAwayError: the database does not answer.
    """
    found = ask(engine, _revisions)
    if not found:
        return "empty"
    known = _known_revisions()
    if found[0] in known:
        return "current" if found[0] == known[-1] else "behind"
    # Revisions are numbers in sequence, so the one after ours is known by its number.
    return "current" if found[0] == f"{int(known[-1]) + 1:04}" else "ahead"


def ensure_schema_fits(state: SchemaState) -> None:
    """Raises unless this release can work on a schema that stands so.

    Raises:
        SchemaBehindError, SchemaAheadError: it cannot.
    """
    if state in ("behind", "empty"):
        raise SchemaBehindError
    if state == "ahead":
        raise SchemaAheadError


def migrate(database_url: str) -> None:
    """Brings the database up to this release's schema and shipped rules; does nothing where it is there already.

    Safe to call from many processes at once: one migrates, the others wait for it.

    Raises:
        StoreAwayError: the database does not answer, or a table stayed locked for too long. Nothing was changed.
        SchemaAheadError: a later release migrated it.
    """
    engine = connect_engine(database_url)
    try:
        state = schema_state(engine)
    finally:
        engine.dispose()
    if state == "ahead":
        raise SchemaAheadError
    if state == "current":
        return
    from alembic import command  # here, because it is slow to import and a service that is up to date never needs it

    with migration_connection(database_url) as connection:
        command.upgrade(_alembic_config(connection), "head")


def take_back(database_url: str) -> None:
    """Takes back the one step of the schema that this release brings, for the release before to run on.

    Never more: what an earlier release brought is that one's to take back.

    Raises:
        StoreAwayError: the database does not answer. Nothing was changed.
        SchemaBehindError: the step was not taken, or was taken back already.
        SchemaAheadError: a later release took another; its own command takes that back.
        alembic.util.CommandError: it would take rows away that others stand on. Nothing was changed.
    """
    known = _known_revisions()
    engine = connect_engine(database_url)
    try:
        found = ask(engine, _revisions)
    finally:
        engine.dispose()
    if found != [known[-1]]:
        raise SchemaBehindError if not found or found[0] in known else SchemaAheadError
    downgrade(database_url, known[-2])


def downgrade(database_url: str, revision: str) -> None:
    """Takes the database back to `revision` ("base" for nothing at all).

    Raises:
        StoreAwayError: the database does not answer. Nothing was changed.
        alembic.util.CommandError: no such revision, or it would take rows away that others stand on.
    """
    from alembic import command

    with migration_connection(database_url) as connection:
        command.downgrade(_alembic_config(connection), revision)


@contextmanager
def migration_connection(database_url: str) -> Iterator[Connection]:
    """A connection inside one transaction that no other migration shares; committed at the end, or nothing is."""
    engine = connect_engine(database_url, timeout_s=_STATEMENT_OF_A_MIGRATION_S)
    try:
        with engine.connect() as connection:
            connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    # Wait long for another migration, and briefly for a table: whoever queues behind our wait for a
                    # table waits as long as we do.
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_TABLE_LOCK_OF_A_MIGRATION_S}s'")
                yield connection
    except (OperationalError, InterfaceError, PoolTimeoutError) as failure:
        raise StoreAwayError from failure
    finally:
        engine.dispose()


def _scripts() -> Path:
    """The folder of the migrations: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "_alembic"
    return installed if installed.is_dir() else package.parent / "alembic"


@cache
def _known_revisions() -> tuple[str, ...]:
    """The revisions that this release brings, oldest first, by the names of their files.

    Alembic would say the same, after an import that costs more than the rest of a start.
    """
    return tuple(sorted(script.name[:4] for script in (_scripts() / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")))


def _alembic_config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
