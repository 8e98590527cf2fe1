"""Wrong keys are counted by the address that they come from, so that nobody can try them by the million.

A key cannot be guessed; this keeps those who try from being a load. It never stands in the way of a good key: whoever
shares an address with them, behind one proxy say, is let in.
"""

import ipaddress
from functools import cached_property

from app.access.counting import Counting


class FailedAttempts:
    """The wrong keys of this minute, of this process.

    Args:
        per_minute: wrong keys that one address may send before it is told to wait.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute

    @cached_property
    def _counting(self) -> Counting:
        return Counting.by_minute(self._per_minute)

    def note(self, address: str) -> bool:
        """Counts one more wrong key from there, and says whether it is one too many."""
        who = derive_neighbourhood(address)
        # Asked before it is counted, because counting costs more, and those who are over the limit are the many.
        limiter, item = self._counting
        return not limiter.test(item, who) or not limiter.hit(item, who)


def derive_neighbourhood(address: str) -> str:
    """What one caller has to itself: an address, but of IPv6 the whole network, in which addresses cost nothing.

    >>> derive_neighbourhood("203.0.113.9"), derive_neighbourhood("2001:db8::1:2:3:4"), derive_neighbourhood("socket")
    ('203.0.113.9', '2001:db8::/64', 'socket')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network(f"{parsed}/64", strict=False))
