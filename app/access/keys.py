"""A key is `jrk_` and 256 random bits; what is kept of it is its first twelve characters and its SHA-256.

Nothing is stretched, because there is nothing to guess: a dictionary of random numbers has no end. And nothing is
encrypted, because that would only add a second secret to lose.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from app.access.scopes import Scope

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


def prefix_of(key: str) -> str:
    """The part of a key that may be shown.

    >>> prefix_of("jrk_" + 43 * "a")
    'jrk_aaaaaaaa'
    """
    return key[:PREFIX_LENGTH]


def hash_of(key: str) -> str:
    """The digest of a key, as it is kept.

    >>> hash_of("jrk_" + 43 * "a")[:23]
    'sha256:3180b9c2a1a6ec11'
    """
    return f"sha256:{sha256(key.encode()).hexdigest()}"
