"""The desk: rule sets that are being written, by as many as write on them, none of whom loses what another wrote."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from app.database import ask, write
from app.errors import UnknownDraftError
from app.rule_sets.lifecycle import DRAFT_NAME_FORM, ensure_draft_name_form, ensure_draft_was_seen
from app.rule_sets.store import rule_set_draft


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule set that is being written.

    Attributes:
        digest: what it will have once it is published as it is.
        editors: everybody who wrote on it, in the order in which they came.
        body: as its author sent it, comments and all.
    """

    name: str
    media_type: str
    digest: str
    editors: tuple[str, ...]
    updated_at: datetime
    updated_by: str
    body: bytes

    @property
    def etag(self) -> str:
        """Changes with any byte of the body; without quotes."""
        return sha256(self.media_type.encode() + b"\n" + self.body).hexdigest()[:32]


class Saved(NamedTuple):
    """The draft as it stands now, and what became of it."""

    draft: Draft
    outcome: Literal["made", "replaced", "unchanged"]


class Guard(NamedTuple):
    """Which draft the caller has seen, by ETags without quotes; None where nothing was said."""

    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None


class DraftDesk:
    """Reads and writes drafts; every question is answered within seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def drafts(self, *, limit: int, after: str | None = None) -> list[Draft]:
        """Drafts by name, from behind `after` on.

        Raises:
            StoreAwayError: the database does not answer.
        """
        query = select(rule_set_draft).order_by(rule_set_draft.c.name).limit(limit)
        if after is not None:
            query = query.where(rule_set_draft.c.name > after)
        return ask(self._engine, lambda connection: [_draft(row) for row in connection.execute(query)])

    def draft(self, name: str) -> Draft:
        """One draft.

        Raises:
            UnknownDraftError: there is none of this name.
            StoreAwayError: the database does not answer.
        """
        found = ask(self._engine, lambda connection: _find(connection, name))
        if found is None:
            raise UnknownDraftError
        return found

    def save(self, draft: Draft, *, guard: Guard) -> Saved:
        """Writes a draft; its `editors` are whoever writes now, and come behind those that it has.

        Sent again as it stands it is left as it is, whatever the guard, so that a lost answer can be asked for again.

        Raises:
            StaleError, GuardMissingError: it would be written over something that the caller has not seen.
            InvalidInputError: the name is none.
            StoreAwayError, LedgerRefusedError: as `app.database.write`.
        """
        ensure_draft_name_form(draft.name)

        def act(connection: Connection) -> Saved:
            standing = _find(connection, draft.name)
            if standing is not None and standing.etag == draft.etag and guard.if_none_match is None:
                return Saved(standing, "unchanged")
            ensure_draft_was_seen(
                None if standing is None else standing.etag,
                if_match=guard.if_match,
                if_none_match=guard.if_none_match,
            )
            editors = dict.fromkeys([*(() if standing is None else standing.editors), *draft.editors])
            row = {
                "media_type": draft.media_type,
                "digest": draft.digest,
                "editors": list(editors),
                "updated_at": draft.updated_at,
                "updated_by": draft.updated_by,
                "body": draft.body.decode("utf-8"),
            }
            if standing is None:
                connection.execute(insert(rule_set_draft).values(name=draft.name, **row))
            else:
                connection.execute(update(rule_set_draft).where(rule_set_draft.c.name == draft.name).values(**row))
            saved = Draft(
                draft.name,
                draft.media_type,
                draft.digest,
                tuple(editors),
                draft.updated_at,
                draft.updated_by,
                draft.body,
            )
            return Saved(saved, "made" if standing is None else "replaced")

        return write(self._engine, act)

    def throw_away(self, name: str, *, guard: Guard) -> None:
        """Removes a draft; what was published from it stays.

        Raises:
            UnknownDraftError: there is none of this name.
            StaleError: it is not the one that the guard names.
            StoreAwayError: the database does not answer.
        """

        def act(connection: Connection) -> None:
            standing = _find(connection, name)
            if standing is None:
                raise UnknownDraftError
            if guard.if_match is not None:
                ensure_draft_was_seen(standing.etag, if_match=guard.if_match, if_none_match=None)
            connection.execute(delete(rule_set_draft).where(rule_set_draft.c.name == name))

        write(self._engine, act)


def _find(connection: Connection, name: str) -> Draft | None:
    # What no row can hold is not asked for: a database chokes on some of it, and would then seem to be away.
    if not DRAFT_NAME_FORM.fullmatch(name):
        return None
    row = connection.execute(select(rule_set_draft).where(rule_set_draft.c.name == name)).first()
    return None if row is None else _draft(row)


def _draft(row: Row[tuple[object, ...]]) -> Draft:
    return Draft(
        name=row.name,
        media_type=row.media_type,
        digest=row.digest,
        editors=tuple(row.editors),
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        body=row.body.encode("utf-8"),
    )
