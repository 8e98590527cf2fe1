"""What people decide about rule sets is written down here: published, activated, cancelled, withdrawn, never changed.

Each act is one transaction under the lock that the triggers of the ledgers take, so that of any number of people who
decide at once one is first, and every other is told what stands against it. What may be is decided in `lifecycle.py`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Final, Literal, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, func, insert, select

from app.database import write
from app.errors import StoreAwayError, UnknownRuleSetError
from app.rule_sets.lifecycle import (
    SecondPerson,
    Standing,
    derive_kept_reason,
    derive_outranked,
    derive_standing,
    ensure_document_is_new,
    ensure_moment,
    ensure_not_in_use,
    ensure_not_withdrawn,
    ensure_nothing_was_decided_since,
    ensure_reason,
    ensure_second_person,
    ensure_something_changes,
    ensure_still_scheduled,
    ensure_version_form,
    ensure_version_is_free,
)
from app.rule_sets.store import (
    Activation,
    RuleSetEntry,
    Withdrawal,
    read_activations,
    read_entry,
    rule_set_activation,
    rule_set_version,
    rule_set_withdrawal,
)

_WAIT_MOST_S: Final = 10.0

log = logging.getLogger("joint_risk.rules")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Publication:
    """A rule set that somebody is about to publish.

    Attributes:
        canonical: the document's bytes in canonical form, and `digest` theirs.
        authors: everybody who wrote on it.
        draft: name of the draft that it comes from; None for a file.
    """

    version: str
    digest: str
    canonical: bytes
    published_by: str
    authors: tuple[str, ...]
    reason: str
    draft: str | None = None


class Published(NamedTuple):
    """The ledger's row, and whether it was written now or stood there from an earlier try."""

    entry: RuleSetEntry
    outcome: Literal["published", "stood already"]


class Activated(NamedTuple):
    """What an activation wrote: its own row, and those of the schedule that was kept; and what it outranks.

    Attributes:
        outranked: what is scheduled and will not take effect, because this was decided later and holds by then.
    """

    activation: Activation
    kept: tuple[Activation, ...]
    outranked: tuple[Activation, ...]


class RuleSetLedgers:
    """Writes the ledgers; every act is done whole or not at all, and answered within seconds.

    Args:
        engine: the store.
        second_person: whether authors may publish and put in force what they wrote.
        clock: says what time it is.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        second_person: SecondPerson = "not needed",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._second_person = second_person
        self._clock = clock
        # One writer of this process at a time, so that those who wait do not hold the connection of the poll.
        self._turn = Lock()

    def publish(self, publication: Publication) -> Published:
        """Adds a version; asked again for the same, it answers with what stands.

        The same is: the same version from the same draft by the same person, or, from a file, the same document.

        Raises:
            VersionTakenError, DigestTakenError, SecondPersonNeededError: it may not be.
            InvalidInputError: the version or the reason is none.
            StoreAwayError, LedgerRefusedError: as `app.database.write`.
        """
        ensure_version_form(publication.version)
        ensure_reason(publication.reason)
        table = rule_set_version

        def act(connection: Connection) -> Published:
            row = connection.execute(select(table).where(table.c.version == publication.version)).first()
            if row is not None:
                is_retry = row.digest == publication.digest and (
                    publication.draft is None
                    or (row.draft == publication.draft and row.published_by == publication.published_by)
                )
                entry = read_entry(row)
                ensure_version_is_free(publication.version, standing=None if is_retry else entry)
                return Published(entry, "stood already")
            ensure_document_is_new(
                standing_as=connection.scalar(select(table.c.version).where(table.c.digest == publication.digest))
            )
            ensure_second_person(
                publication.published_by, authors=publication.authors, second_person=self._second_person
            )
            year, number = publication.version.split(".")
            entry = RuleSetEntry(
                version=publication.version,
                digest=publication.digest,
                published_at=self._clock(),
                published_by=publication.published_by,
                reason=publication.reason,
            )
            connection.execute(
                insert(table).values(
                    version=entry.version,
                    year=int(year),
                    number=int(number),
                    digest=entry.digest,
                    published_at=entry.published_at,
                    published_by=entry.published_by,
                    authors=list(publication.authors),
                    reason=entry.reason,
                    draft=publication.draft,
                    document=publication.canonical.decode("utf-8"),
                )
            )
            return Published(entry, "published")

        published = self._in_turn(act)
        if published.outcome == "published":
            log.info("Rule set %s was published.", published.entry.version)
        return published

    def activate(
        self,
        version: str,
        *,
        reason: str,
        by: str,
        effective_at: datetime | None = None,
        schedule: Literal["cancel", "keep"] = "cancel",
        expected_sequence: int | None = None,
    ) -> Activated:
        """Puts a version in force, at once or from a moment on.

        Args:
            effective_at: None for at once.
            schedule: what becomes of what is scheduled. `cancel`: an activation at once cancels all of it. `keep`: what
                would take effect later is decided again behind this one, so that it does take effect at its time.
            expected_sequence: the last decision that the caller knows; None where it does not matter.

        Raises:
            UnknownRuleSetError: it was never published.
            RuleSetWithdrawnError, AlreadyInForceError, SecondPersonNeededError, StaleError: it may not be.
            InvalidInputError: the moment is past or too far ahead, or the reason is none.
            StoreAwayError, LedgerRefusedError: as `app.database.write`.
        """
        ensure_reason(reason)

        def act(connection: Connection) -> Activated:
            row = connection.execute(
                select(rule_set_version.c.digest, rule_set_version.c.authors).where(
                    rule_set_version.c.version == version
                )
            ).first()
            if row is None:
                raise UnknownRuleSetError(version)
            now = self._clock()
            rows = read_activations(connection)
            standing = derive_standing(rows, now=now)
            ensure_nothing_was_decided_since(expected_sequence, standing=standing)
            ensure_not_withdrawn(version, withdrawn=_withdrawn(connection))
            if effective_at is not None:
                ensure_moment(effective_at, now=now)
            was_in_force = any(
                row.version == version and row.effective_at is not None and row.effective_at <= now for row in rows
            )
            if not was_in_force:  # rolling back at night must not wait for anybody
                ensure_second_person(by, authors=row.authors, second_person=self._second_person)
            ensure_something_changes(version, standing=standing, keeps_schedule=schedule, effective_at=effective_at)
            cancelled = standing.scheduled if effective_at is None and schedule == "cancel" else ()
            activation = Activation(
                sequence=standing.last_sequence + 1,
                version=version,
                digest=row.digest,
                effective_at=effective_at or now,
                activated_at=now,
                activated_by=by,
                reason=reason,
                cancels=tuple(row.sequence for row in cancelled),
            )
            kept = _kept_behind(activation, standing) if schedule == "keep" else []
            for new in (activation, *kept):
                _add(connection, new)
            after = derive_standing([*rows, activation, *kept], now=now)
            held_by = derive_outranked(after.in_force, after.scheduled)
            outranked = [row for row in after.scheduled if held_by.get(row.sequence) == activation.sequence]
            return Activated(activation, tuple(kept), tuple(outranked))

        activated = self._in_turn(act)
        for row in (activated.activation, *activated.kept):
            log.info("Activation %d: rule set %s from %s on.", row.sequence, row.version, row.effective_at)
        return activated

    def cancel(self, sequence: int, *, reason: str, by: str, expected_sequence: int | None = None) -> Activation:
        """Takes an activation back that has not taken effect yet, by one more row.

        Raises:
            UnknownActivationError, NotScheduledError, StaleError: there is nothing to cancel.
            InvalidInputError: the reason is none.
            StoreAwayError, LedgerRefusedError: as `app.database.write`.
        """
        ensure_reason(reason)

        def act(connection: Connection) -> Activation:
            now = self._clock()
            rows = read_activations(connection)
            standing = derive_standing(rows, now=now)
            ensure_nothing_was_decided_since(expected_sequence, standing=standing)
            ensure_still_scheduled(sequence, rows=rows, standing=standing)
            row = Activation(standing.last_sequence + 1, None, None, None, now, by, reason, (sequence,))
            _add(connection, row)
            return row

        row = self._in_turn(act)
        log.info("Activation %d cancels %d.", row.sequence, sequence)
        return row

    def withdraw(self, version: str, *, reason: str, by: str) -> Withdrawal:
        """Says of a version that nobody should use it any more; it is kept, and never activated again.

        Raises:
            UnknownRuleSetError: it was never published.
            RuleSetWithdrawnError, RuleSetInUseError: it may not be.
            InvalidInputError: the reason is none.
            StoreAwayError, LedgerRefusedError: as `app.database.write`.
        """
        ensure_reason(reason)
        table = rule_set_withdrawal

        def act(connection: Connection) -> Withdrawal:
            digest = connection.scalar(select(rule_set_version.c.digest).where(rule_set_version.c.version == version))
            if digest is None:
                raise UnknownRuleSetError(version)
            now = self._clock()
            ensure_not_withdrawn(version, withdrawn=_withdrawn(connection))
            ensure_not_in_use(version, standing=derive_standing(read_activations(connection), now=now))
            last = connection.scalar(select(func.coalesce(func.max(table.c.sequence), 0))) or 0
            withdrawal = Withdrawal(last + 1, version, digest, now, by, reason)
            connection.execute(
                insert(table).values(
                    sequence=withdrawal.sequence,
                    version=version,
                    withdrawn_at=now,
                    withdrawn_by=by,
                    reason=reason,
                )
            )
            return withdrawal

        withdrawal = self._in_turn(act)
        log.info("Rule set %s was withdrawn.", version)
        return withdrawal

    def _in_turn(self, act: Callable[[Connection], Answer]) -> Answer:
        if not self._turn.acquire(timeout=_WAIT_MOST_S):
            raise StoreAwayError
        try:
            return write(self._engine, act)
        finally:
            self._turn.release()


def _kept_behind(activation: Activation, standing: Standing) -> list[Activation]:
    """The schedule decided again behind an activation that would outrank it, in the order in which it stood."""
    outranked = [
        row
        for row in standing.scheduled
        if row.effective_at is not None and activation.effective_at is not None
        if row.effective_at > activation.effective_at
    ]
    return [
        Activation(
            sequence=activation.sequence + place,
            version=row.version,
            digest=row.digest,
            effective_at=row.effective_at,
            activated_at=activation.activated_at,
            activated_by=activation.activated_by,
            reason=derive_kept_reason(row.reason, sequence=activation.sequence),
            cancels=(row.sequence,),
        )
        for place, row in enumerate(outranked, start=1)
    ]


def _add(connection: Connection, row: Activation) -> None:
    connection.execute(
        insert(rule_set_activation).values(
            sequence=row.sequence,
            version=row.version,
            effective_at=row.effective_at,
            activated_at=row.activated_at,
            activated_by=row.activated_by,
            reason=row.reason,
            cancels=list(row.cancels),
        )
    )


def _withdrawn(connection: Connection) -> set[str]:
    return set(connection.scalars(select(rule_set_withdrawal.c.version)))
