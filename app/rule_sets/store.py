"""What was published, activated and withdrawn is read here; the database itself keeps it from ever changing.

The tables are made by the migrations, triggers included. Three of them are ledgers (`rule_set_version`,
`rule_set_activation`, `rule_set_withdrawal`), where rows are only added; there is no status column, so no status can
lie: which rules are in force follows from the activations and a moment.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    Row,
    Select,
    Table,
    Text,
    func,
    select,
    tuple_,
)

from app.database import JsonList, UtcDateTime, ask, filled, metadata, sha256_form
from app.errors import UnknownRuleSetError

_VERSION_FORM = re.compile(r"[0-9]{4}\.[0-9]+")
_LARGEST_SEQUENCE = 2**31 - 1
_PAGE = 50


rule_set_draft = Table(
    "rule_set_draft",
    metadata,
    Column("name", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("editors", JsonList, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("body", Text, nullable=False),
    sha256_form("digest"),
    *filled("name", "updated_by"),
    sqlite_with_rowid=False,
)

rule_set_version = Table(
    "rule_set_version",
    metadata,
    Column("version", Text, primary_key=True),
    # The two halves of the version, to sort by: as text, 2026.10 would come before 2026.9.
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("published_at", UtcDateTime, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("authors", JsonList, nullable=False),
    Column("reason", Text, nullable=False),
    # The draft that it was published from, which may be gone: how a repeated request is known as a retry.
    Column("draft", Text),
    # The canonical form, byte for byte: text, because a JSON type would be free to write it another way.
    Column("document", Text, nullable=False),
    CheckConstraint(
        "version = CAST(year AS TEXT) || '.' || CAST(number AS TEXT) AND year BETWEEN 1000 AND 9999 AND number >= 0",
        name="version_form",
    ),
    sha256_form("digest"),
    *filled("published_by", "reason", "document"),
    sqlite_with_rowid=False,
)

rule_set_activation = Table(
    "rule_set_activation",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    # Both empty in a row that only cancels.
    Column("version", ForeignKey(rule_set_version.c.version)),
    Column("effective_at", UtcDateTime),
    Column("activated_at", UtcDateTime, nullable=False),
    Column("activated_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cancels", JsonList, nullable=False),
    CheckConstraint("(version IS NULL) = (effective_at IS NULL)", name="effective_with_version"),
    *filled("activated_by", "reason"),
    sqlite_with_rowid=False,
)

rule_set_withdrawal = Table(
    "rule_set_withdrawal",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("version", ForeignKey(rule_set_version.c.version), nullable=False, unique=True),
    Column("withdrawn_at", UtcDateTime, nullable=False),
    Column("withdrawn_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    *filled("withdrawn_by", "reason"),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class RuleSetEntry:
    """A published rule set as lists show it, without its document."""

    version: str
    digest: str
    published_at: datetime
    published_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PublishedRuleSet(RuleSetEntry):
    """A published rule set; `canonical` are the bytes that `digest` was made from, `document` what they say.

    `draft` is the name of the draft that it was published from; None for a file.
    """

    document: dict[str, Any]
    canonical: bytes
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """One row of the ledger of activations; one that only cancels has no version, digest or effective moment."""

    sequence: int
    version: str | None
    digest: str | None
    effective_at: datetime | None
    activated_at: datetime
    activated_by: str
    reason: str
    cancels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One row of the ledger of withdrawals."""

    sequence: int
    version: str
    digest: str
    withdrawn_at: datetime
    withdrawn_by: str
    reason: str


class RuleSetStore:
    """Reads the ledgers; every question is answered, or raises `StoreAwayError`, within the engine's timeout."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def versions(self, *, limit: int, before: str | None = None) -> list[RuleSetEntry]:
        """Published rule sets, highest version first, from below `before` on.

        Raises:
            UnknownRuleSetError: `before` was never published.
            StoreAwayError: the database does not answer.
        """
        if before is not None:
            _ensure_version_form(before)
        table = rule_set_version
        place = tuple_(table.c.year, table.c.number)

        def question(connection: Connection) -> list[RuleSetEntry]:
            query = select(table.c.version, table.c.digest, table.c.published_at, table.c.published_by, table.c.reason)
            if before is not None:
                found = connection.execute(
                    select(table.c.year, table.c.number).where(table.c.version == before)
                ).first()
                if found is None:
                    raise UnknownRuleSetError(before)
                query = query.where(place < tuple_(found.year, found.number))
            query = query.order_by(table.c.year.desc(), table.c.number.desc()).limit(limit)
            return [RuleSetEntry(*row) for row in connection.execute(query)]

        return ask(self._engine, question)

    def version(self, version: str) -> PublishedRuleSet:
        """One published rule set with its document. That the bytes fit the digest is for the reader to check.

        Raises:
            UnknownRuleSetError: it was never published.
            StoreAwayError: the database does not answer.
        """
        _ensure_version_form(version)
        query = select(rule_set_version).where(rule_set_version.c.version == version)
        row = ask(self._engine, lambda connection: connection.execute(query).first())
        if row is None:
            raise UnknownRuleSetError(version)
        return PublishedRuleSet(
            version=row.version,
            digest=row.digest,
            published_at=row.published_at,
            published_by=row.published_by,
            reason=row.reason,
            document=json.loads(row.document),
            canonical=row.document.encode("utf-8"),
            draft=row.draft,
        )

    def activations(self, *, limit: int, before: int | None = None) -> list[Activation]:
        """The ledger of activations, newest first, from below the sequence number `before` on.

        Raises:
            StoreAwayError: the database does not answer.
        """
        query = _activations(limit=limit, before=before)
        return ask(self._engine, lambda connection: [_activation(row) for row in connection.execute(query)])

    def in_force(self, at: datetime) -> Activation | None:
        """The activation in force at a moment, or None where nothing was effective yet.

        Of those whose `effective_at` has come and that nobody had cancelled by then, the one with the highest sequence
        number: later decisions win over earlier ones, whichever takes effect first.

        Raises:
            StoreAwayError: the database does not answer.
        """

        return ask(self._engine, lambda connection: pick_in_force(_newest_first(connection), at))

    def scheduled(self, after: datetime) -> list[Activation]:
        """Activations whose `effective_at` is still to come after a moment and that nobody had cancelled by then.

        Returns:
            The one that takes effect first comes first. Which of them will be in force at a later moment is decided as
            in `in_force`, by the highest sequence number.

        Raises:
            StoreAwayError: the database does not answer.
        """
        table = rule_set_activation

        def question(connection: Connection) -> list[Activation]:
            coming = [
                _activation(row) for row in connection.execute(_activations().where(table.c.effective_at > after))
            ]
            if not coming:
                return []
            first = min(activation.sequence for activation in coming)
            later = select(table.c.cancels).where(table.c.sequence > first, table.c.activated_at <= after)
            cancelled = {sequence for cancels in connection.scalars(later) for sequence in cancels}
            left = (activation for activation in coming if activation.sequence not in cancelled)
            return sorted(left, key=lambda activation: (activation.effective_at, activation.sequence))

        return ask(self._engine, question)

    def withdrawals(self) -> list[Withdrawal]:
        """The ledger of withdrawals, newest first.

        Raises:
            StoreAwayError: the database does not answer.
        """
        table = rule_set_withdrawal
        query = (
            select(
                table.c.sequence,
                table.c.version,
                rule_set_version.c.digest,
                table.c.withdrawn_at,
                table.c.withdrawn_by,
                table.c.reason,
            )
            .join_from(table, rule_set_version)
            .order_by(table.c.sequence.desc())
        )
        return ask(self._engine, lambda connection: [Withdrawal(*row) for row in connection.execute(query)])

    def last_sequences(self) -> tuple[int, int]:
        """The highest sequence numbers of the activations and of the withdrawals, 0 for none: what a poll asks for.

        Raises:
            StoreAwayError: the database does not answer.
        """
        tables = (rule_set_activation, rule_set_withdrawal)
        last = (select(func.coalesce(func.max(table.c.sequence), 0)).scalar_subquery() for table in tables)
        query = select(*last)
        activation, withdrawal = ask(self._engine, lambda connection: connection.execute(query).one())
        return int(activation), int(withdrawal)

    def documents(self) -> list[bytes]:
        """The canonical bytes of every published document, in no order.

        Raises:
            StoreAwayError: the database does not answer.
        """
        query = select(rule_set_version.c.document)
        return ask(self._engine, lambda connection: [text.encode("utf-8") for text in connection.scalars(query)])

    def last_sequence(self) -> int:
        """The highest sequence number in the ledger of activations, 0 for an empty one: what a poll asks for.

        Raises:
            StoreAwayError: the database does not answer.
        """
        query = select(func.coalesce(func.max(rule_set_activation.c.sequence), 0))
        return int(ask(self._engine, lambda connection: connection.execute(query).scalar_one()))


def pick_in_force(newest_first: Iterable[Activation], at: datetime) -> Activation | None:
    """The activation in force at a moment, of a ledger that is read newest first and no further than it has to be."""
    cancelled: set[int] = set()
    # A row cancels only earlier ones (the database sees to that), so newest first meets every cancellation before what
    # it cancels, and the first that fits is the answer.
    for activation in newest_first:
        if activation.activated_at <= at:
            cancelled.update(activation.cancels)
        effective = activation.effective_at is not None and activation.effective_at <= at
        if effective and activation.sequence not in cancelled:
            return activation
    return None


def read_activations(connection: Connection) -> list[Activation]:
    """The whole ledger of activations, newest first, inside somebody's transaction."""
    return [_activation(row) for row in connection.execute(_activations())]


def read_entry(row: Row[Any]) -> RuleSetEntry:
    """A row of the ledger of versions, without its document."""
    return RuleSetEntry(row.version, row.digest, row.published_at, row.published_by, row.reason)


def _ensure_version_form(version: str) -> None:
    # What no row can hold is not asked for: a database chokes on some of it, and would then seem to be away.
    if not _VERSION_FORM.fullmatch(version):
        raise UnknownRuleSetError(version)


def _activations(*, limit: int | None = None, before: int | None = None) -> Select[Any]:
    table = rule_set_activation
    query = (
        select(
            table.c.sequence,
            table.c.version,
            rule_set_version.c.digest,
            table.c.effective_at,
            table.c.activated_at,
            table.c.activated_by,
            table.c.reason,
            table.c.cancels,
        )
        .outerjoin_from(table, rule_set_version)
        .order_by(table.c.sequence.desc())
        .limit(limit)
    )
    # A number that no column could hold must not become an error of the database's.
    return query if before is None else query.where(table.c.sequence < min(before, _LARGEST_SEQUENCE))


def _activation(row: Row[Any]) -> Activation:
    return Activation(
        sequence=row.sequence,
        version=row.version,
        digest=row.digest,
        effective_at=row.effective_at,
        activated_at=row.activated_at,
        activated_by=row.activated_by,
        reason=row.reason,
        cancels=tuple(row.cancels),
    )


def _newest_first(connection: Connection) -> Iterator[Activation]:
    before: int | None = None
    while page := connection.execute(_activations(limit=_PAGE, before=before)).all():
        for row in page:
            yield _activation(row)
        before = page[-1].sequence
