"""Counts within a minute, on a clock that nobody sets.

The storage that `limits` brings goes by the time of day: where that is set back by a day, a minute lasts a day, and
whoever had used theirs up would wait for as long.
"""

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Final

from limits.storage import Storage

_SWEEP_S: Final = 60.0


class SteadyStorage(Storage):
    """Counters in memory, each with the moment from which it counts anew; those that are over are let go.

    Args:
        clock: seconds since some moment or other, never going back.
    """

    STORAGE_SCHEME = None

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._counts: dict[str, tuple[int, float]] = {}
        self._swept_s = clock()
        self._lock = Lock()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Nothing here fails."""
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Counts `amount` more, in a window of `expiry` seconds from the first of it on, and returns how many it is."""
        now_s = self._clock()
        with self._lock:
            if now_s - self._swept_s >= _SWEEP_S:
                self._counts = {name: kept for name, kept in self._counts.items() if kept[1] > now_s}
                self._swept_s = now_s
            count, until_s = self._counts.get(key, (0, 0.0))
            if until_s <= now_s:
                count, until_s = 0, now_s + expiry
            self._counts[key] = count + amount, until_s
            return count + amount

    def get(self, key: str) -> int:
        """How many were counted in the window that is open."""
        count, until_s = self._counts.get(key, (0, 0.0))
        return count if until_s > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, by the clock of this storage; now where none is open."""
        now_s = self._clock()
        return max(now_s, self._counts.get(key, (0, now_s))[1])

    def check(self) -> bool:
        """Whether it can be used."""
        return True

    def reset(self) -> int:
        """Forgets every counter, and returns how many there were."""
        with self._lock:
            count = len(self._counts)
            self._counts = {}
            return count

    def clear(self, key: str) -> None:
        """Forgets one counter."""
        with self._lock:
            self._counts.pop(key, None)
