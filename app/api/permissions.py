"""Who may call what: a route names its permission beside its endpoint, and one gate asks for it before the body.

    @router.post("/scores", operation_id="score_runner", …)
    @needs("score")
    async def score_runner(request: Request) -> Response: …

A route without a permission cannot be made (`DirectRoute` refuses it), so nothing is open by having been forgotten;
what is meant to be open says `@public`. The OpenAPI document shows each operation's permission from the same place.
"""

import ipaddress
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from starlette.types import Scope as AsgiScope

from app.access import MANAGEMENT, Caller, Scope, read_scopes
from app.access.failures import FailedAttempts
from app.access.held import FormerKey, KeysHeld
from app.api.problems import NO_KEY, RETRY_AFTER_S, NoKeyError, RateLimitedError, ScopeMissingError
from app.errors import Fault, InvalidSettingsError, JointRiskError, StoreAwayError
from app.settings import Settings

CALLER: Final = "joint_risk.caller"
"""Where the `Caller` stands in the ASGI scope, once it is known who calls; not there on public routes."""
AUTHORIZATION: Final = "joint_risk.authorization"
"""Where the front door puts the Authorization header, so that nobody walks over the headers twice."""
MAKE_A_KEY: Final = "joint-risk keys create --name NAME --scope"
WITHOUT_KEYS: Final[frozenset[Scope]] = frozenset({"score", "rules:read"})
"""What this machine itself may do while there are no keys."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Permission(NamedTuple):
    """What a route asks of its caller.

    Attributes:
        scope: which the caller's key must have; None where nobody is asked.
        until_keys: whether nobody is asked while there are no keys, wherever the call comes from; behind a gateway
            its callers are asked all the same, because they come from anywhere.
    """

    scope: Scope | None
    until_keys: bool = False


def needs(scope: Scope) -> Callable[[Endpoint], Endpoint]:
    """Lets only callers with this scope reach the endpoint below."""
    return _permit(Permission(scope))


def public(endpoint: Endpoint) -> Endpoint:
    """Lets everybody reach the endpoint: for what tells nothing that matters, to those who have no key."""
    return _permit(Permission(None))(endpoint)


def public_until_keys(scope: Scope) -> Callable[[Endpoint], Endpoint]:
    """Lets everybody reach the endpoint where callers need keys and there are none, else only those with this scope."""
    return _permit(Permission(scope, until_keys=True))


def permission_of(endpoint: Callable[..., Any]) -> Permission:
    """What the endpoint was declared to ask of its caller.

    Raises:
        TypeError: it was not declared.
    """
    permission = getattr(endpoint, _PERMISSION, None)
    if not isinstance(permission, Permission):
        raise TypeError(f"{endpoint.__name__} says neither @needs(scope) nor @public.")
    return permission


def caller_of(scope: AsgiScope) -> Caller:
    """Who calls; only on routes that ask."""
    caller: Caller = scope[CALLER]
    return caller


_PERMISSION: Final = "joint_risk_permission"


def _permit(permission: Permission) -> Callable[[Endpoint], Endpoint]:
    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _PERMISSION, permission)
        return endpoint

    return declare


class Gate:
    """Asks every call for what its route needs.

    Args:
        keys: the list that this process holds.
        settings: without keys only this machine is served; with `JOINT_RISK_AUTH=off` a gateway answers for access.

    Raises:
        InvalidSettingsError: JOINT_RISK_AUTH_OFF_SCOPES names what is no scope.
    """

    def __init__(self, keys: KeysHeld, *, settings: Settings) -> None:
        self._keys = keys
        self._keys_max_age_s = settings.keys_max_age_s
        self._failures = FailedAttempts(settings.wrong_keys_per_minute)
        self._has_store = settings.bundle is None
        self._is_local = is_loopback(settings.host)
        scopes = read_off_scopes(settings)
        self._behind_gateway = Caller(None, "gateway", scopes) if settings.auth == "off" else None

    @property
    def serves_this_machine_only(self) -> bool:
        """Whether callers are told from strangers by nothing but being on this machine."""
        if self._behind_gateway is not None or not self._is_local:
            return False
        return not (self._keys.are_loaded and self._keys.exist)

    def admit(self, scope: AsgiScope, permission: Permission) -> None:
        """Lets a call pass and writes down who it is.

        Raises:
            NoKeyError: a key is needed, and there is none or it is not good.
            RateLimitedError: it is not good, as were too many before it from the same address.
            ScopeMissingError: the key is good, for other things.
            StoreAwayError, SchemaBehindError, SchemaAheadError: nobody can say yet, or no longer.
        """
        if permission.scope is None:
            return
        caller = self._behind_gateway
        if permission.until_keys and caller is None and not self._keys.exist:
            return
        if caller is None:
            caller = self._identify(scope, permission.scope)
        # Written down first: whoever uses a key for what it is not good for stands in the log with it.
        scope[CALLER] = caller
        if permission.scope not in caller.scopes:
            raise ScopeMissingError(permission.scope, caller)
        if permission.scope in MANAGEMENT:
            self._ensure_manageable(caller)

    def allows(self, scope: AsgiScope, permission: Permission) -> bool:
        """Whether a call to a public route may see what this permission is for."""
        try:
            self.admit(scope, permission)
        except JointRiskError:
            return False
        return True

    def _ensure_manageable(self, caller: Caller) -> None:
        """Rules are changed in a store, by somebody whose key is known not to have been revoked long ago."""
        if not self._has_store:
            raise StoreAwayError(_NO_STORE)
        if caller.prefix is not None and self._keys.age_s > self._keys_max_age_s:
            raise StoreAwayError(_OLD_LIST)

    def _identify(self, scope: AsgiScope, needed: Scope) -> Caller:
        if not self._keys.exist:
            if self._is_local and needed in WITHOUT_KEYS:
                return _THIS_MACHINE
            if needed in MANAGEMENT and not self._has_store:
                raise StoreAwayError(_NO_STORE)  # no key would help, so nobody is told to make one
            raise NoKeyError(f"There are no keys yet. Make one: {MAKE_A_KEY} {needed}")
        authorization: bytes | None = scope.get(AUTHORIZATION)
        if authorization is None:
            raise NoKeyError(NO_KEY)
        kind, _, key = authorization.partition(b" ")
        found = self._keys.identify(key.strip()) if kind.lower() == b"bearer" else "malformed"
        if isinstance(found, Caller):
            return found
        if isinstance(found, FormerKey):
            # No stranger: better told than told to wait, and by the prefix in the log an operator finds who it is.
            scope[CALLER] = found.caller
            raise NoKeyError(_WRONG[found.why], is_wrong=True)
        if self._failures.note((scope.get("client") or ("nowhere",))[0]):
            scope[RETRY_AFTER_S] = _WAIT_S
            raise RateLimitedError(_TOO_MANY)
        raise NoKeyError(_WRONG[found], is_wrong=True)


_THIS_MACHINE: Final = Caller(None, "this machine", WITHOUT_KEYS)
_NO_STORE: Final = "This service scores by a file and has no store: rules are changed where that file comes from."
_TOO_MANY: Final = "Too many wrong keys came from this address in this minute. A good key is let in at any time."
_WAIT_S: Final = 60
_OLD_LIST: Final = (
    "The store has been away for longer than JOINT_RISK_KEYS_MAX_AGE, so nobody knows which keys were revoked since. "
    "Scoring goes on; rules can be changed again once it is back."
)
_WRONG: Final = {
    "malformed": "What was sent is no key of this service. Send it as Authorization: Bearer jrk_…",
    "unknown": "This service does not know the key.",
    "expired": "The key has expired.",
    "revoked": "The key was revoked.",
}


# ------------------------------------------------------------------------------------------------- before it is served


def is_loopback(host: str) -> bool:
    """Whether this address or name is this machine's own.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_off_scopes(settings: Settings) -> frozenset[Scope]:
    """What everybody may do with `JOINT_RISK_AUTH=off`.

    Raises:
        InvalidSettingsError: it names what is no scope.

    >>> sorted(read_off_scopes(Settings(auth_off_scopes="score, rules:read")))
    ['rules:read', 'score']
    """
    told = {name.strip() for name in settings.auth_off_scopes.split(",")} - {""}
    try:
        return frozenset(read_scopes(told))
    except ValueError as refused:
        detail = f"JOINT_RISK_AUTH_OFF_SCOPES: {refused}; put commas between several."
        raise InvalidSettingsError([Fault("/JOINT_RISK_AUTH_OFF_SCOPES", "unknown-scope", detail)]) from None


def ensure_bind_is_allowed(settings: Settings, *, has_keys: Callable[[], bool]) -> None:
    """Without keys, nobody else's machine is served unless an operator said in so many words that this is meant.

    Args:
        settings: where it is to listen.
        has_keys: whether there ever was a key, or nobody can say; asked only where it matters.

    Raises:
        InvalidSettingsError: the address is not loopback's, and there are no keys.
    """
    if settings.auth == "off" or is_loopback(settings.host) or has_keys():
        return
    raise InvalidSettingsError(
        [
            Fault(
                "/JOINT_RISK_HOST",
                "keys-needed",
                "JOINT_RISK_HOST: only this machine (127.0.0.1) is served while there are no keys. Make one: "
                f"{MAKE_A_KEY} score. Or set JOINT_RISK_AUTH=off, behind a gateway that checks who calls.",
            )
        ]
    )
