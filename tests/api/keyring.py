"""Keys for tests: put into a store as they are, with what they may do, until when, and whether they were revoked."""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.access import Scope
from app.access.keys import KeyRecord, hash_of, make_key, prefix_of
from app.access.store import KeyStore
from app.database import connect_engine

LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Key:
    """A key as its owner has it."""

    text: str

    @property
    def prefix(self) -> str:
        return prefix_of(self.text)

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


class Keyring:
    """Makes and revokes keys in a store."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def make(self, *scopes: Scope, owner: str = "ann", expires_at: datetime | None = None) -> Key:
        key = Key(make_key())
        record = KeyRecord(key.prefix, hash_of(key.text), "for this test", owner, scopes, LONG_AGO, expires_at)
        engine = connect_engine(self._url)
        try:
            assert KeyStore(engine).add(record)
        finally:
            engine.dispose()
        return key

    def revoke(self, key: Key) -> Key:
        engine = connect_engine(self._url)
        try:
            KeyStore(engine).revoke(key.prefix, by="bob", at=datetime.now(UTC))
        finally:
            engine.dispose()
        return key
