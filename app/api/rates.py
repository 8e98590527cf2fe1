"""How much one key may ask for in a minute, counted in runners, whatever the shape of the call.

Per process and in memory: across replicas it is the gateway's work. A call without a key (this machine alone, or behind
a gateway) is not counted. What is left stands on every answer to a keyed call, in the fields of the IETF's draft
`RateLimit header fields for HTTP`.
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

RATE: Final = "joint_risk.rate"
"""Where the ASGI scope holds the headers that say what is left of the caller's rate."""
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
        caller: Caller | None = scope.get(CALLER)
        if caller is None or caller.prefix is None or not self._per_minute:
            return
        limiter, item = self._counting
        # Asked before it is counted: what is refused uses nothing up.
        has_room = limiter.test(item, caller.prefix, cost=runners)
        if has_room:
            limiter.hit(item, caller.prefix, cost=runners)
        reset_at_s, left = limiter.get_window_stats(item, caller.prefix)
        wait_s = max(1, math.ceil(reset_at_s - monotonic()))
        scope[RATE] = (self._policy, (b"ratelimit", b'"runners";r=%d;t=%d' % (left, wait_s)))
        if not has_room:
            self._telemetry.count("joint_risk_http_shed", "rate-limited")
            scope[RETRY_AFTER_S] = wait_s
            raise RateLimitedError
