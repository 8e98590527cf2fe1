"""Whatever a caller may do so often a minute is counted by the same library, and only once somebody does it."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import RateLimiter


class Counting(NamedTuple):
    """What counts within a minute, and what it holds the count to."""

    limiter: "RateLimiter"
    item: "RateLimitItem"

    @classmethod
    def by_minute(cls, most: int) -> "Counting":
        """Counts to so many a minute, in memory."""
        # Here, and called only once there is something to count: the library brings every kind of storage along, which
        # a start does without.
        from limits import RateLimitItemPerMinute
        from limits.strategies import FixedWindowRateLimiter

        from app.access.windows import SteadyStorage

        return cls(FixedWindowRateLimiter(SteadyStorage()), RateLimitItemPerMinute(most))
