"""The list of keys is held in memory and polled, so that an outage of the store refuses nobody.

A key is looked up by its prefix and compared by its digest, in constant time. Expiry is a matter of the clock here;
a revocation arrives with the next look at the list. Once there was a key, calls without one are never let in again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Literal, NamedTuple, Protocol

from app.access.keys import KEY_FORM, PREFIX_LENGTH, KeyRecord
from app.access.scopes import Caller
from app.database import SchemaState, ensure_schema_fits
from app.errors import JointRiskError, StoreAwayError

KeysStanding = Literal["ok", "none", "stale", "unknown"]
WrongKey = Literal["malformed", "unknown"]

_JITTER_SHARE = 0.2
_STARTING_POLL_MOST_S = 1.0
_NEVER: Final = float("inf")

log = logging.getLogger("joint_risk.keys")


class KeySource(Protocol):
    """Where the list of keys is read: the store, or a file."""

    def marker(self) -> object:
        """Something that differs whenever the list does."""
        ...

    def records(self) -> list[KeyRecord]:
        """The list."""
        ...


class HeldKey(NamedTuple):
    """A key as calls meet it: its digest, until when it is good, and whom it lets in."""

    digest: bytes
    good_until_s: float
    is_revoked: bool
    caller: Caller


class FormerKey(NamedTuple):
    """A key that was good once; who sends it whole is no stranger, and may be called by its prefix in the log.

    Attributes:
        why: it is good no longer.
        caller: whom it let in; now without a scope.
    """

    why: Literal["expired", "revoked"]
    caller: Caller


class KeysHeld:
    """The keys that this process lets in.

    Args:
        source: where the list is read.
        poll_s: seconds between two looks at it.
        schema: how the store's schema stands to this release; asked until something was loaded.
        clock: seconds since 1970, by which keys expire.
        steady_clock: seconds since some moment or other, by which the list grows old: it does neither at a stroke nor
            younger, whoever sets the clock.
    """

    def __init__(
        self,
        source: KeySource,
        *,
        poll_s: float,
        schema: Callable[[], SchemaState] = lambda: "current",
        clock: Callable[[], float] = time.time,
        steady_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._poll_s = poll_s
        self._schema = schema
        self._clock = clock
        self._steady_clock = steady_clock
        self._by_prefix: dict[bytes, HeldKey] | None = None
        self._marker: object = None
        self._seen_s = steady_clock()
        self._trouble: JointRiskError | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")

    # ------------------------------------------------------------------------------------------ what calls ask for

    @property
    def exist(self) -> bool:
        """Whether there ever was a key: then every caller needs one.

        Raises:
            StoreAwayError, SchemaBehindError, SchemaAheadError: the list was never read, for this reason.
        """
        if self._by_prefix is None:
            raise StoreAwayError if self._trouble is None else self._trouble.with_traceback(None)
        return bool(self._by_prefix)

    @property
    def are_loaded(self) -> bool:
        """Whether the list was ever read."""
        return self._by_prefix is not None

    @property
    def standing(self) -> KeysStanding:
        """How this process stands to its list, for `readyz`."""
        if self._by_prefix is None:
            return "unknown"
        if self._trouble is not None:
            return "stale"
        return "ok" if self._by_prefix else "none"

    @property
    def age_s(self) -> float:
        """Seconds since the list was last known to be what the source says; since the start where it never was."""
        return self._steady_clock() - self._seen_s

    def identify(self, key: bytes) -> Caller | FormerKey | WrongKey:
        """Whom a key lets in, or what is wrong with it; that it expired or was revoked is told only to who holds it."""
        held = None if self._by_prefix is None else self._by_prefix.get(key[:PREFIX_LENGTH])
        if held is None or not compare_digest(sha256(key).digest(), held.digest):
            return "unknown" if KEY_FORM.fullmatch(key) else "malformed"
        if held.is_revoked:
            return FormerKey("revoked", held.caller._replace(scopes=frozenset()))
        if self._clock() < held.good_until_s:
            return held.caller
        return FormerKey("expired", held.caller._replace(scopes=frozenset()))

    # ------------------------------------------------------------------------------------------ looking at the list

    def load(self) -> None:
        """Looks at the list once, and takes in what has changed; blocks, and never raises."""
        try:
            if self._by_prefix is None:
                ensure_schema_fits(self._schema())
            # Asked before the list: what comes in between is seen at the next look.
            marker = self._source.marker()
            if self._by_prefix is None or marker != self._marker:
                self._take_in(self._source.records())
                self._marker = marker
            self._seen_s = self._steady_clock()
        except JointRiskError as trouble:
            self._note(trouble)
        except Exception as failure:  # noqa: BLE001 - whatever is wrong there, calls go on by the list that is held
            log.error("The keys could not be read: %s.", type(failure).__name__)
            self._note(StoreAwayError())
        else:
            self._note(None)

    async def look(self) -> None:
        """Looks at the list once, in a thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self.load)

    async def keep_looking(self) -> None:
        """Looks at the list for ever, `poll_s` apart at most and up to a fifth less: replicas do not march in step."""
        while True:
            pause_s = self._poll_s if self.are_loaded else min(self._poll_s, _STARTING_POLL_MOST_S)
            # Spread, not secrecy: the pseudo-random generator is what is wanted here.
            await asyncio.sleep(pause_s * random.uniform(1 - _JITTER_SHARE, 1))  # noqa: S311
            await self.look()

    def close(self) -> None:
        """Lets the thread go; if it waits for the store, it ends with the store's timeout."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _take_in(self, records: list[KeyRecord]) -> None:
        taken = {record.prefix.encode(): _held(record) for record in records}
        # A table that was emptied by force opens no door: what is held stays, and every key of it.
        if taken or not self._by_prefix:
            self._by_prefix = taken
        log.info("Keys: %d, of which %d revoked.", len(taken), sum(key.is_revoked for key in taken.values()))

    def _note(self, trouble: JointRiskError | None) -> None:
        if trouble is not None and type(trouble) is not type(self._trouble):
            log.warning("The keys could not be looked at: %s", trouble.message)
        self._trouble = trouble


def _held(record: KeyRecord) -> HeldKey:
    return HeldKey(
        digest=bytes.fromhex(record.hash.removeprefix("sha256:")),
        good_until_s=_NEVER if record.expires_at is None else record.expires_at.timestamp(),
        is_revoked=record.revoked_at is not None,
        caller=Caller(record.prefix, record.owner, frozenset(record.scopes)),
    )
