"""Every setting of the service has a name, a range and a default here, and nowhere else.

Settings come from environment variables that begin with `JOINT_RISK_`; what a caller passes by name wins over them.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import Fault, InvalidSettingsError

PREFIX = "JOINT_RISK_"
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_SECONDS_OF = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def derive_driver_url(database_url: str) -> str:
    """The same address with the driver that this service brings along spelled out.

    Raises:
        ValueError: no such database is supported. The address is not repeated, because it may hold a password.

    Examples:
        >>> derive_driver_url("postgresql://db.example/rules")
        'postgresql+psycopg://db.example/rules'
    """
    scheme, separator, place = database_url.partition("://")
    if not separator or scheme not in _DRIVERS:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    if _DRIVERS[scheme] == "sqlite" and place.lstrip("/") in ("", ":memory:"):
        raise ValueError(
            "must name a file, as in sqlite:///joint-risk.db: each connection would see a database of its own"
        )
    return f"{_DRIVERS[scheme]}://{place}"


def derive_duration_s(duration: str) -> float:
    """Seconds of a duration written as a whole number and a unit: s, m, h or d.

    Raises:
        ValueError: it is not written so.

    Examples:
        >>> derive_duration_s("24h")
        86400.0
    """
    written = _DURATION.fullmatch(duration)
    if written is None:
        raise ValueError("must be a whole number and a unit, as in 90s, 30m, 24h or 7d")
    return float(written[1]) * _SECONDS_OF[written[2]]


def _ensure_duration(duration: str) -> str:
    derive_duration_s(duration)
    return duration


class Settings(BaseSettings):
    """What an operator can set; immutable once read."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # Left out of repr, because it may hold a password.
    database_url: Annotated[str, AfterValidator(derive_driver_url)] = Field(
        default="sqlite:///joint-risk.db", repr=False
    )
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, le=65_535, description="0 lets the system choose a free one")
    poll_s: float = Field(default=5.0, gt=0, le=3_600, allow_inf_nan=False)
    auth: Literal["keys", "off"] = "keys"
    # Which scopes there are is known where they are checked.
    auth_off_scopes: str = "score"
    keys_max_age: Annotated[str, AfterValidator(_ensure_duration)] = "24h"
    body_limit_bytes: int = Field(default=1_048_576, ge=1)
    drain_s: float = Field(default=5.0, ge=0, le=20, allow_inf_nan=False)
    store_timeout_s: float = Field(default=2.0, gt=0, le=60, allow_inf_nan=False)

    @property
    def keys_max_age_s(self) -> float:
        """For how long a list of keys that nobody can check anew lets management calls in."""
        return derive_duration_s(self.keys_max_age)

    @field_validator("port", mode="before")
    @classmethod
    def _pass_over_service_link(cls, given: object) -> object:
        # Kubernetes puts JOINT_RISK_PORT=tcp://10.0.0.1:80 into every pod that stands beside a Service named
        # joint-risk. Nobody set that, so it counts as not set; a port set in the pod's own manifest replaces it.
        return cls.model_fields["port"].default if isinstance(given, str) and given.startswith("tcp://") else given


def read_settings(**overrides: Any) -> Settings:
    """The settings of this process: `overrides` by field name, then the environment, then the defaults.

    Args:
        overrides: fields of `Settings`; one that is None counts as not given.

    Raises:
        InvalidSettingsError: with one fault for each variable that cannot be used, its value not repeated.
    """
    try:
        return Settings(**{name: given for name, given in overrides.items() if given is not None})
    except ValidationError as refused:
        faults = []
        for problem in refused.errors(include_input=False, include_context=False, include_url=False):
            variable = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            faults.append(Fault(f"/{variable}", problem["type"].replace("_", "-"), f"{variable}: {problem['msg']}."))
        raise InvalidSettingsError(faults) from None
