"""How much one key may ask for in a minute, counted in runners, whatever the shape of the call.

Per process and in memory: across replicas it is the gateway's work. A call without a key (this machine alone, or behind
a gateway) is not counted. What is left stands on every answer to a caller whose key is good, whatever was asked and
however it ended, in the fields of the IETF's draft `RateLimit header fields for HTTP`.
"""

import math
from functools import cached_property
from time import monotonic
from typing import Final

from starlette.types import Scope

from app.access import Caller
from app.access.counting import Counting
from app.api.permissions import CALLER
from app.api.problems import RETRY_AFTER_S, RateLimitedError
from app.telemetry import Telemetry

WINDOW_S: Final = 60


class Rates:
    """What every key has asked for in this minute.

    Args:
        per_minute: runners; 0 for any number.
        telemetry: counts the calls that are refused.
    """

    def __init__(self, per_minute: int, *, telemetry: Telemetry) -> None:
        self._per_minute = per_minute
        self._telemetry = telemetry
        self._policy = (b"ratelimit-policy", b'"runners";q=%d;w=%d' % (per_minute, WINDOW_S))

    @cached_property
    def _counting(self) -> Counting:
        return Counting.by_minute(self._per_minute)

    def charge(self, scope: Scope, *, runners: int) -> None:
        """Takes this many runners from what the caller has left, or none at all and refuses.

        Raises:
            RateLimitedError: there are not as many left.
        """
        prefix = self._counted_prefix(scope)
        if prefix is None:
            return
        limiter, item = self._counting
        # Asked before it is counted: what is refused uses nothing up.
        if limiter.test(item, prefix, cost=runners):
            limiter.hit(item, prefix, cost=runners)
            return
        self._telemetry.count("joint_risk_http_shed", "rate-limited")
        scope[RETRY_AFTER_S] = self._window(prefix)[1]
        raise RateLimitedError

    def headers(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        """What an answer that begins now says of the caller's rate; nothing where nobody counts."""
        prefix = self._counted_prefix(scope)
        if prefix is None:
            return ()
        return self._policy, (b"ratelimit", b'"runners";r=%d;t=%d' % self._window(prefix))

    def _counted_prefix(self, scope: Scope) -> str | None:
        """Of the key that is counted for; a key that lets nobody in any longer has no scope, and no rate."""
        caller: Caller | None = scope.get(CALLER)
        return caller.prefix if self._per_minute and caller is not None and caller.scopes else None

    def _window(self, prefix: str) -> tuple[int, int]:
        """How many runners are left, and for how many seconds: of a window that is not open yet, all of it."""
        limiter, item = self._counting
        reset_at_s, left = limiter.get_window_stats(item, prefix)
        wait_s = math.ceil(reset_at_s - monotonic())
        return left, wait_s if wait_s > 0 else WINDOW_S
