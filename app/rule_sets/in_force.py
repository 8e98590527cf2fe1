"""A replica scores with what it holds in memory; the store is asked beside the calls, never on their way.

Every `poll_s` (jittered) the ledger is looked at. The version in force, the one before it and the scheduled ones are
always held, compiled; up to eight others stay while they are used. A schedule takes effect at its moment, store or no
store. A set that this release cannot load leaves the one in force where it is. Sequence numbers only go up: a clock
that steps back brings no older rules back.
"""

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, NamedTuple, TypedDict, TypeVar, cast

from pydantic import ValidationError

from app.database import SchemaState, ensure_schema_fits
from app.errors import (
    Fault,
    InvalidRuleSetError,
    JointRiskError,
    NoRuleSetError,
    SchemaAheadError,
    SchemaBehindError,
    StoreAwayError,
)
from app.rule_sets.documents import digest_of
from app.rule_sets.store import Activation, PublishedRuleSet, RuleSetStore
from app.scoring.compiled import CompiledRuleSet, MinEvidence, compile_rule_set
from app.scoring.rule_set import RuleSetDocument

OTHERS_MOST = 8
_LEDGER_ROWS_LOOKED_AT = 100
_JITTER_SHARE = 0.2
_STARTING_POLL_MOST_S = 1.0
# As many as the engine has connections: whoever waits here longer than the store's timeout would have waited there.
_STORE_THREADS = 2
_UNLOADABLE = Fault("", "unloadable", "This release cannot load the rule set.")
_NEVER = datetime.max.replace(tzinfo=UTC)

log = logging.getLogger("joint_risk.rules")
Result = TypeVar("Result")


class Held(NamedTuple):
    """A version in memory: as it was published, and ready to score."""

    published: PublishedRuleSet
    rules: CompiledRuleSet


class Coming(NamedTuple):
    """A scheduled activation whose rules are in memory."""

    effective_at: datetime
    sequence: int
    held: Held


@dataclass(frozen=True, slots=True)
class View:
    """The ledger as this replica last took it in; swapped whole, so a call sees one or the other.

    Attributes:
        sequence: of the activation in force.
        next_at: when the schedule has to be looked at again.
        kept: every version that is always held.
        withdrawn: every version that was withdrawn.
    """

    in_force: Held
    sequence: int
    coming: tuple[Coming, ...]
    next_at: datetime
    kept: dict[str, Held]
    withdrawn: frozenset[str] = frozenset()


class State(TypedDict):
    """How this replica stands to its store and its rules, for `readyz`."""

    status: Literal["ok", "degraded", "starting"]
    store: str
    store_seen_s_ago: int | None
    rule_set: dict[str, str] | None
    activation: int | None
    scheduled: list[int]
    refused: list[str]


class RulesInForce:
    """The rules that this process scores with.

    Args:
        store: where the ledgers are read.
        poll_s: seconds between two looks at it.
        timeout_s: how long a call waits for a version that is not in memory.
        schema: how the store's schema stands to this release; asked until something was loaded.
    """

    def __init__(
        self,
        store: RuleSetStore,
        *,
        poll_s: float,
        timeout_s: float = 2.0,
        schema: Callable[[], SchemaState] = lambda: "current",
    ) -> None:
        self.poll_s = poll_s
        self._store = store
        self._timeout_s = timeout_s
        self._schema = schema
        self._view: View | None = None
        self._others: OrderedDict[str, Held] = OrderedDict()
        self._refused: set[str] = set()
        self._unloadable: set[str] = set()
        self._taken_sequences: tuple[int, int] | None = None
        self._trouble: JointRiskError | None = None
        self._begun_s = time.monotonic()
        self._seen_s: float | None = None
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(_STORE_THREADS, thread_name_prefix="rules")

    # ------------------------------------------------------------------------------------------ what calls ask for

    def active(self, now: datetime) -> CompiledRuleSet:
        """The rules in force at this moment, from memory.

        Raises:
            NoRuleSetError, StoreAwayError, SchemaBehindError, SchemaAheadError, InvalidRuleSetError: nothing was ever
                loaded, for this reason.
        """
        return self.active_held(now).rules

    def active_held(self, now: datetime) -> Held:
        """The same with how it was published; raises the same."""
        view = self._view
        if view is None:
            raise NoRuleSetError if self._trouble is None else self._trouble.with_traceback(None)
        if now >= view.next_at:
            view = self._advance(view, now)
        return view.in_force

    def held(self, version: str) -> Held | None:
        """A version in memory, or None where the store would have to be asked."""
        view = self._view
        if view is not None and version in view.kept:
            return view.kept[version]
        with self._lock:
            held = self._others.get(version)
            if held is not None:
                self._others.move_to_end(version)
            return held

    def is_withdrawn(self, version: str) -> bool:
        """Whether the version was withdrawn, as far as this replica knows: scored by all the same, with a finding."""
        view = self._view
        return view is not None and version in view.withdrawn

    def pinned(self, version: str) -> CompiledRuleSet:
        """The rules of one version, from memory or else from the store; blocks while the store is asked.

        Raises:
            UnknownRuleSetError: it was never published.
            StoreAwayError: it is not in memory, and the store does not answer.
            InvalidRuleSetError: this release cannot load it.
        """
        return self._take(version).rules

    async def fetch(self, version: str) -> Held:
        """A version from memory or else from the store, asked in a thread; raises what `pinned` raises."""
        held = self.held(version)
        return held if held is not None else await self._in_thread(lambda: self._take(version))

    async def narrowed(self, rules: CompiledRuleSet, min_evidence: MinEvidence | None) -> CompiledRuleSet:
        """The same rules without the factors of weaker evidence; compiled once for each version that is held."""
        if min_evidence is None:
            return rules
        name = f"min_evidence:{min_evidence}"
        kept = rules.carried.get(name)
        if kept is None:
            about = {"version": rules.version, "digest": rules.digest}
            kept = await asyncio.to_thread(compile_rule_set, rules.document, **about, min_evidence=min_evidence)
            rules.carried[name] = kept
        return cast(CompiledRuleSet, kept)

    def state(self) -> State:
        """How this replica stands to its store and its rules; asks nobody."""
        view = self._view
        if view is not None and (now := datetime.now(UTC)) >= view.next_at:
            view = self._advance(view, now)  # whoever is never asked for a score would go on naming the old rules
        trouble = self._trouble
        status: Literal["ok", "degraded", "starting"] = "ok"
        if view is None:
            status = "starting"
        elif trouble is not None or self._refused:
            status = "degraded"
        return {
            "status": status,
            "store": "unknown" if self._seen_s is None and trouble is None else _STORE_WORD.get(type(trouble), "ok"),
            "store_seen_s_ago": None if self._seen_s is None else int(time.monotonic() - self._seen_s),
            "rule_set": None
            if view is None
            else {"version": view.in_force.published.version, "digest": view.in_force.published.digest},
            "activation": None if view is None else view.sequence,
            "scheduled": [] if view is None else sorted(row.sequence for row in view.coming),
            "refused": sorted(self._refused),
        }

    @property
    def store_age_s(self) -> float:
        """Seconds since the store last answered; since this process began where it never did."""
        return time.monotonic() - (self._begun_s if self._seen_s is None else self._seen_s)

    # ------------------------------------------------------------------------------------------- looking at the store

    def load(self, now: datetime | None = None) -> None:
        """Looks at the store once, and takes in what has changed; blocks, and never raises.

        Args:
            now: the moment to look from; the clock's where it is left out.
        """
        try:
            if self._view is None:
                ensure_schema_fits(self._schema())
            sequences = self._store.last_sequences()
            self._seen_s = time.monotonic()
            if sequences != self._taken_sequences:
                self._take_in(now or datetime.now(UTC))
                self._taken_sequences = sequences
        except JointRiskError as trouble:
            self._note(trouble)
        except Exception as failure:  # noqa: BLE001 - whatever is wrong there, scoring goes on with what is held
            log.error("The store could not be read: %s.", type(failure).__name__)
            self._note(StoreAwayError())
        else:
            self._note(None)

    async def look(self) -> None:
        """Looks at the store once, in a thread."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self.load)

    async def keep_looking(self) -> None:
        """Looks at the store for ever, `poll_s` apart at most and up to a fifth less: replicas do not march in step."""
        while True:
            pause_s = self.poll_s if self._view is not None else min(self.poll_s, _STARTING_POLL_MOST_S)
            # Spread, not secrecy: the pseudo-random generator is what is wanted here.
            await asyncio.sleep(pause_s * random.uniform(1 - _JITTER_SHARE, 1))  # noqa: S311
            await self.look()

    def close(self) -> None:
        """Lets the threads go; one that waits for the store ends with the store's timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, question: Callable[[], Result]) -> Result:
        answer = asyncio.get_running_loop().run_in_executor(self._threads, question)
        try:
            return await asyncio.wait_for(answer, self._timeout_s)
        except TimeoutError:
            raise StoreAwayError from None

    def _note(self, trouble: JointRiskError | None) -> None:
        if type(trouble) is not type(self._trouble):
            if trouble is None:
                log.info("The store answers.")
            else:
                log.warning("The rules could not be looked at: %s", trouble.message)
        self._trouble = trouble

    def _take_in(self, now: datetime) -> None:
        """Reads the ledger and everything that it puts or will put in force, and swaps the view."""
        newest = self._store.in_force(now)
        coming = self._store.scheduled(now)
        ledger = self._store.activations(limit=_LEDGER_ROWS_LOOKED_AT)
        cancelled = {number for row in ledger for number in row.cancels}
        before = self._view
        if newest is None or newest.version is None:
            if before is None:
                raise NoRuleSetError
            return
        refused: set[str] = set()
        in_force, sequence = self._read_or_note(newest.version, refused), newest.sequence
        # Our clock may have stepped back, or gone ahead of whoever cancelled a schedule.
        if before is not None and (
            in_force is None or (before.sequence > sequence and before.sequence not in cancelled)
        ):
            in_force, sequence = before.in_force, before.sequence
        # A row that cancels may be ahead of our clock; it counts all the same.
        scheduled = tuple(
            Coming(row.effective_at, row.sequence, held)
            for row in coming
            if row.sequence not in cancelled
            and row.version is not None
            and row.effective_at is not None
            and (held := self._read_or_note(row.version, refused))
        )
        if in_force is None:
            self._refused = refused
            raise InvalidRuleSetError([_UNLOADABLE])
        previous = _previous_version(ledger, in_force.published.version, now)
        kept = [in_force, *(row.held for row in scheduled)]
        if previous is not None and (held := self._read_or_note(previous, set())):
            kept.append(held)
        withdrawn = frozenset(row.version for row in self._store.withdrawals())
        view = replace(_view_at(now, in_force, sequence, scheduled, kept), withdrawn=withdrawn)
        with self._lock:
            self._view = view
            self._refused = refused
            for version in view.kept:
                self._others.pop(version, None)
        for version, held in ({} if before is None else before.kept).items():
            self._remember(version, held)
        if before is None or before.in_force is not in_force:
            log.info("Rule set %s is in force.", in_force.published.version)

    def _read_or_note(self, version: str, refused: set[str]) -> Held | None:
        """The version where this release can load it; else None, and `refused` holds it."""
        try:
            return self._read(version)
        except InvalidRuleSetError:
            refused.add(version)
            return None

    def _take(self, version: str) -> Held:
        held = self._read(version)
        self._remember(version, held)
        return held

    def _read(self, version: str) -> Held:
        held = self.held(version)
        if held is not None:
            return held
        if version in self._unloadable:  # and always will be: a published version never changes
            raise InvalidRuleSetError([_UNLOADABLE])
        try:
            return _load(self._store.version(version))
        except InvalidRuleSetError:
            self._unloadable.add(version)
            raise

    def _remember(self, version: str, held: Held) -> None:
        """Holds a version beside those that always are, and lets the least recently used go."""
        with self._lock:
            if self._view is None or version not in self._view.kept:
                self._others[version] = held
                while len(self._others) > OTHERS_MOST:
                    self._others.popitem(last=False)

    def _advance(self, view: View, now: datetime) -> View:
        """Puts in force what the schedule says; rows that never will be any more are dropped from it."""
        due = [row for row in view.coming if row.effective_at <= now]
        last = max(due, key=lambda row: row.sequence)
        in_force, sequence = view.in_force, view.sequence
        if last.sequence > sequence:
            in_force, sequence = last.held, last.sequence
        left = tuple(row for row in view.coming if row.effective_at > now)
        advanced = replace(_view_at(now, in_force, sequence, left, ()), kept=view.kept, withdrawn=view.withdrawn)
        with self._lock:
            if self._view is view:  # else a newer look at the ledger came in between, and it stands
                self._view = advanced
        if in_force is not view.in_force:
            log.info("Rule set %s is in force as scheduled.", in_force.published.version)
        return advanced


_STORE_WORD: dict[type[JointRiskError] | type[None], str] = {
    StoreAwayError: "away",
    SchemaBehindError: SchemaBehindError.slug,
    SchemaAheadError: SchemaAheadError.slug,
}


def _view_at(now: datetime, in_force: Held, sequence: int, coming: tuple[Coming, ...], kept: Iterable[Held]) -> View:
    next_at = min((row.effective_at for row in coming if row.effective_at > now), default=_NEVER)
    return View(in_force, sequence, coming, next_at, {held.published.version: held for held in kept})


def _previous_version(ledger: list[Activation], version: str, now: datetime) -> str | None:
    """The version that was in force before this one: what a rollback goes back to."""
    cancelled = {number for row in ledger for number in row.cancels}
    for row in ledger:
        was_in_force = row.effective_at is not None and row.effective_at <= now and row.sequence not in cancelled
        if was_in_force and row.version != version:
            return row.version
    return None


def _load(published: PublishedRuleSet) -> Held:
    """Compiles a published version, once its bytes are what its digest says.

    Raises:
        InvalidRuleSetError: it cannot be done, for whatever reason; the reason is logged.
    """
    reason = "its bytes are not those of its digest"
    if digest_of(published.canonical) == published.digest:
        try:
            document = RuleSetDocument.model_validate(published.document)
            return Held(published, compile_rule_set(document, version=published.version, digest=published.digest))
        except ValidationError as refused:
            reason = f"{refused.error_count()} places in it are unknown to this release"
        except Exception as failure:  # noqa: BLE001 - a set that cannot be loaded, whatever the reason, must not stop scoring
            reason = f"{type(failure).__name__} while compiling"
    log.error("Rule set %s cannot be loaded: %s.", published.version, reason)
    raise InvalidRuleSetError([_UNLOADABLE])
