"""A key is `jrk_` and 256 random bits; what is kept of it is its first twelve characters and its SHA-256.

Nothing is stretched, because there is nothing to guess: a dictionary of random numbers has no end. And nothing is
encrypted, because that would only add a second secret to lose.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from app.access.scopes import Scope
from app.settings import derive_duration_s

KEY_FORM: Final = re.compile(rb"jrk_[A-Za-z0-9_-]{43}")
PREFIX_LENGTH: Final = 12
_RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is kept of a key, which is all but the key.

    Attributes:
        prefix: its first twelve characters, by which it is looked up, listed and logged.
        hash: `sha256:` and the digest of the whole key.
        owner: whose it is; several keys may have one owner.
        expires_at: from when on it is refused; None for never.
        revoked_at: since when it is refused for good; None while it is not.
    """

    prefix: str
    hash: str
    name: str
    owner: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


def make_key() -> str:
    """A new key, as nobody has ever seen it.

    >>> key = make_key()
    >>> len(key), key.startswith("jrk_"), key != make_key()
    (47, True, True)
    """
    return "jrk_" + base64.urlsafe_b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode().rstrip("=")


def new_key(
    *, name: str, scopes: tuple[Scope, ...], owner: str, expires_at: datetime | None, now: datetime
) -> tuple[str, KeyRecord]:
    """A new key, to be shown once, and what is kept of it."""
    key = make_key()
    return key, KeyRecord(prefix_of(key), hash_of(key), name, owner, scopes, now, expires_at)


def derive_expiry(written: str, *, now: datetime) -> datetime:
    """The moment that somebody means by `90d`, `2027-01-31` (its beginning, in UTC) or `2027-01-31T12:00Z`.

    Raises:
        ValueError: it is none of these, has no offset from UTC, or has passed.

    >>> derive_expiry("90d", now=datetime(2026, 11, 26, 9, tzinfo=UTC)).isoformat()
    '2027-02-24T09:00:00+00:00'
    >>> derive_expiry("2027-01-31", now=datetime(2026, 11, 26, 9, tzinfo=UTC)).isoformat()
    '2027-01-31T00:00:00+00:00'
    """
    try:
        at = now + timedelta(seconds=derive_duration_s(written))
    except OverflowError:
        raise ValueError("that is too far ahead") from None
    except ValueError:
        try:
            at = datetime.fromisoformat(written)
        except ValueError:
            raise ValueError("a duration, a day or a moment, as in 90d, 2027-01-31 or 2027-01-31T12:00Z") from None
        if at.tzinfo is None:
            if "T" in written or " " in written:
                raise ValueError("a moment needs an offset from UTC, as in 2027-01-31T12:00Z") from None
            at = at.replace(tzinfo=UTC)
    if at <= now:
        raise ValueError("that has passed")
    return at.astimezone(UTC)


def prefix_of(key: str) -> str:
    """The part of a key that may be shown.

    >>> prefix_of("jrk_" + 43 * "a")
    'jrk_aaaaaaaa'
    """
    return key[:PREFIX_LENGTH]


def hash_of(key: str) -> str:
    """The digest of a key, as it is kept.

    >>> hash_of("jrk_" + 43 * "a")[:23]
    'sha256:c911019c22029093'
    """
    return f"sha256:{sha256(key.encode()).hexdigest()}"
