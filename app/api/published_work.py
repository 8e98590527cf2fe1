"""What is worked out from published versions alone, in a process beside this one, and kept: it is always the same."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from pathlib import Path
from typing import Final, cast

from starlette.requests import Request

from app.api.deps import ensure_version, rules_in_force, store_of
from app.api.problems import UnloadableRuleSetError
from app.errors import InvalidRuleSetError
from app.rule_sets.job_rules import Rules
from app.rule_sets.store import PublishedRuleSet
from app.workshop import MIB, Workshop

# What checks of a rule set and comparisons over people may take of a machine that scores beside them.
JOB_DEADLINE_S: Final = 60.0
JOB_MEMORY_BYTES: Final = 512 * MIB
JOBS_WAITING_MOST: Final = 4
KEPT_MAX: Final = 16
KEPT_MAX_BYTES: Final = 32 * MIB


def open_workshop(*, out_of_reach: Sequence[Path] = ()) -> Workshop:
    """Where rule sets are checked and compared, one job at a time; none opens what is out of reach."""
    return Workshop(
        "rule sets",
        deadline_s=JOB_DEADLINE_S,
        memory_bytes=JOB_MEMORY_BYTES,
        waiting_most=JOBS_WAITING_MOST,
        preload=(
            "app.rule_sets.card",
            "app.rule_sets.checks",
            "app.rule_sets.comparison",
            "app.rule_sets.examining",
            "app.rule_sets.testpack",
        ),
        out_of_reach=out_of_reach,
    )


class KeptWork:
    """Bodies by what they are made from; whoever asks for one that is being made waits for the same work."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, asyncio.Task[bytes]] = OrderedDict()

    async def body(self, name: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The body of this name, from memory or else made now; raises what `make` raises, and then keeps nothing."""
        work = self._kept.get(name)
        if work is None:
            work = self._kept[name] = asyncio.create_task(_awaited(make))
            work.add_done_callback(lambda done: self._forget_failure(name, done))
        self._kept.move_to_end(name)
        try:
            # Shielded: one who hangs up must not take the work from others who wait for it.
            return await asyncio.shield(work)
        except InvalidRuleSetError:
            raise UnloadableRuleSetError from None

    def _forget_failure(self, name: Hashable, done: "asyncio.Task[bytes]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._kept.pop(name, None)
        while len(self._kept) > KEPT_MAX or self._kept_bytes() > KEPT_MAX_BYTES:
            self._kept.popitem(last=False)

    def _kept_bytes(self) -> int:
        return sum(len(work.result()) for work in self._kept.values() if work.done() and not work.exception())


async def _awaited(make: Callable[[], Awaitable[bytes]]) -> bytes:
    return await make()


def kept_work(request: Request) -> KeptWork:
    """What this process keeps of such work."""
    return cast(KeptWork, request.app.state.kept_work)


async def published_version(request: Request, version: str) -> PublishedRuleSet:
    """A version as it was published, from memory or else from the store; it need not be one that can be scored by.

    Raises:
        UnknownRuleSetError: no such version was published.
        StoreAwayError: it is not in memory, and the store does not answer.
    """
    ensure_version(version)
    held = rules_in_force(request).held(version)
    return await asyncio.to_thread(store_of(request).version, version) if held is None else held.published


def rules_of(published: PublishedRuleSet) -> Rules:
    """A published version as jobs take it."""
    return Rules(published.version, published.digest, published.canonical)
