"""What a caller may be allowed to do, in five words, and who a caller is."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

Scope = Literal["score", "rules:read", "rules:write", "rules:publish", "rules:activate"]

SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
MEANINGS: Final[dict[Scope, str]] = {
    "score": "score runners, verify answers, import training",
    "rules:read": "read rule sets, their texts, cards and test packs; compare them",
    "rules:write": "write drafts and check them",
    "rules:publish": "publish a draft as a version",
    "rules:activate": "put a version in force, cancel a schedule, withdraw a version",
}
MANAGEMENT: Final[frozenset[Scope]] = frozenset({"rules:write", "rules:publish", "rules:activate"})
"""The scopes that change rules: they need the store, and a list of keys that is not too old."""


def read_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes of these names, once each and in their settled order.

    Raises:
        ValueError: one of them is no scope.

    >>> read_scopes(["rules:read", "score", "score"])
    ('score', 'rules:read')
    """
    wanted = set(names)
    if not wanted <= set(SCOPES):
        raise ValueError(f"the scopes are {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in wanted)


class Caller(NamedTuple):
    """Somebody who was let in.

    Attributes:
        prefix: the visible part of the key, for logs; None where nobody was asked for one.
        owner: who is meant by it: what ledgers record, and what a second person is told apart by.
        scopes: what the caller may do.
    """

    prefix: str | None
    owner: str
    scopes: frozenset[Scope]
