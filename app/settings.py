"""Every setting of the service has a name, a range and a default here, and nowhere else.

Settings come from environment variables that begin with `JOINT_RISK_`, or from files of a folder of secrets; what a
caller passes by name wins over both. `make docs` writes the table of the operator's page from here.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import Fault, InvalidSettingsError

PREFIX = "JOINT_RISK_"
SECRETS_DIR = "JOINT_RISK_SECRETS_DIR"
SECRETS_DIR_DEFAULT = "/run/secrets"
"""A folder of files named like the variables in lower case, as secrets are mounted; a variable wins."""
LogFormat = Literal["json", "text"]
_SERVICE_LINK = re.compile(rf"{PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT(_[0-9]+_(TCP|UDP)\w*)?)")
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
        default="sqlite:///joint-risk.db",
        repr=False,
        description="the store: `sqlite:///file` or `postgresql://…`; it may hold a password, and is never printed",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="address to listen on; any other than loopback needs a key, or `JOINT_RISK_AUTH=off`",
    )
    port: int = Field(default=8000, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    management_port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="where `/metrics`, `/livez` and `/readyz?verbose` are instead of on the port that callers reach",
    )
    poll_s: float = Field(
        default=5.0,
        gt=0,
        le=3_600,
        allow_inf_nan=False,
        description="seconds between two looks at the store, for newer activations and for keys, or up to a fifth less",
    )
    second_person: bool = Field(
        default=False,
        description="`true`: whoever edited a rule set (by the owner of the key) neither publishes it nor is the first "
        "to put it in force",
    )
    auth: Literal["keys", "off"] = Field(
        default="keys",
        description="`keys`: callers need one, and until there are any only this machine is served; `off`: a gateway "
        "in front answers for access",
    )
    # Which scopes there are is known where they are checked.
    auth_off_scopes: str = Field(
        default="score", description="what everybody may do with `JOINT_RISK_AUTH=off`, with commas between"
    )
    keys_max_age: Annotated[str, AfterValidator(_ensure_duration)] = Field(
        default="24h",
        description="how old the list of keys may be, while the store is away, for calls that change rules; scoring "
        "goes on",
    )
    bundle: Path | None = Field(
        default=None, description="a file of rules to score by instead of a store, from `rules export --bundle`"
    )
    keys_file: Path | None = Field(
        default=None, description="beside a bundle: the file of keys that callers are let in by, from `keys export`"
    )
    key: str | None = Field(
        default=None,
        pattern=r"^\S+$",
        repr=False,
        description="the key that `joint-risk score --url` calls a service with; a secret, and never printed",
    )
    rate_limit_per_minute: int = Field(
        default=600_000,
        ge=0,
        description="runners a minute that one key may ask for, of this process (an imported file counts as ten); 0 "
        "for any number",
    )
    wrong_keys_per_minute: int = Field(
        default=20,
        ge=1,
        description="wrong keys a minute from one address (of IPv6, one /64), after which the next are answered 429",
    )
    body_limit_bytes: int = Field(
        default=1_048_576, ge=1, description="largest body of a single request, counted after unpacking"
    )
    head_limit_bytes: int = Field(
        default=32_768, ge=1_024, description="address and headers of a call together; 100 headers at most"
    )
    concurrent_calls: int = Field(
        default=64,
        ge=1,
        description="calls being answered at once; the next is refused with 503 at once instead of waiting in a queue",
    )
    head_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=300,
        allow_inf_nan=False,
        description="seconds that the head of a call may take to arrive",
    )
    body_timeout_s: float = Field(
        default=20.0, gt=0, le=300, allow_inf_nan=False, description="seconds that the body of a request may take"
    )
    call_timeout_s: float = Field(
        default=90.0,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="seconds that a call may take in all, streams excepted",
    )
    drain_s: float = Field(
        default=5.0,
        ge=0,
        le=20,
        allow_inf_nan=False,
        description="seconds between SIGTERM and stopping, for load balancers to notice",
    )
    store_timeout_s: float = Field(
        default=2.0,
        gt=0,
        le=60,
        allow_inf_nan=False,
        description="seconds after which the store counts as away",
    )
    log_format: LogFormat = Field(default="json", description="`json` for machines, `text` for people")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged; one line a call is `info`"
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="base address of an OpenTelemetry collector (OTLP over HTTP); needs the `telemetry` extra",
    )
    trace_share: float = Field(
        default=1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="share of the traces that begin here that are recorded; a caller's own choice is kept",
    )
    stream_idle_s: float = Field(
        default=60.0,
        gt=0,
        le=3_600,
        allow_inf_nan=False,
        description="seconds without a byte either way after which a stream is ended",
    )
    stream_memory_bytes: int = Field(
        default=134_217_728,
        ge=16_777_216,  # what one stream sets aside: less would let none in
        description="memory that streams, batches and imports may set aside together; a stream takes 16 MiB of it (of "
        "columns 32), a batch or an import its body, and what finds too little is refused with 503",
    )

    @property
    def second_person_rule(self) -> Literal["needed", "not needed"]:
        """Whether somebody else has to publish and put in force what one wrote."""
        return "needed" if self.second_person else "not needed"

    @property
    def keys_max_age_s(self) -> float:
        """For how long a list of keys that nobody can check anew lets management calls in."""
        return derive_duration_s(self.keys_max_age)

    @field_validator("keys_file")
    @classmethod
    def _ensure_beside_bundle(cls, given: Path | None, field: ValidationInfo) -> Path | None:
        if given is not None and field.data.get("bundle") is None:
            raise ValueError("is read beside JOINT_RISK_BUNDLE alone; with a store, its keys are those that count")
        return given

    @field_validator("port", "management_port", mode="before")
    @classmethod
    def _pass_over_service_link(cls, given: object, field: ValidationInfo) -> object:
        # Kubernetes puts JOINT_RISK_PORT=tcp://10.0.0.1:80 into every pod that stands beside a Service named
        # joint-risk. Nobody set that, so it counts as not set; a port set in the pod's own manifest replaces it.
        is_link = isinstance(given, str) and given.startswith("tcp://")
        return cls.model_fields[str(field.field_name)].default if is_link else given


def read_settings(**overrides: Any) -> Settings:
    """The settings of this process: `overrides` by field name, then the environment, then secrets, then the defaults.

    Args:
        overrides: fields of `Settings`; one that is None counts as not given.

    Raises:
        InvalidSettingsError: with one fault for each variable that cannot be used, its value not repeated.
    """
    faults = [
        Fault(f"/{name}", "unknown-setting", f"{name}: there is no such setting.")
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and not _is_known(name)
    ]
    secrets = folder_of_secrets()
    unreadable = _check_secrets(secrets)
    faults += unreadable
    try:
        settings = Settings(
            _secrets_dir=secrets if secrets.is_dir() and not unreadable else None,
            **{name: given for name, given in overrides.items() if given is not None},
        )
    except ValidationError as refused:
        for problem in refused.errors(include_input=False, include_context=False, include_url=False):
            variable = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            faults.append(Fault(f"/{variable}", problem["type"].replace("_", "-"), f"{variable}: {problem['msg']}."))
        raise InvalidSettingsError(faults) from None
    if faults:
        raise InvalidSettingsError(faults)
    return settings


def folder_of_secrets() -> Path:
    """Where secrets are looked for, whether or not there are any."""
    return Path(os.environ.get(SECRETS_DIR, SECRETS_DIR_DEFAULT))


def _check_secrets(secrets: Path) -> list[Fault]:
    """What of the secrets is there and cannot be read."""
    if not secrets.is_dir():
        return []
    if not os.access(secrets, os.R_OK | os.X_OK):
        return [_unreadable(SECRETS_DIR, what="the folder of secrets")]
    return [
        _unreadable(f"{PREFIX}{name}".upper(), what="the file of this secret")
        for name in Settings.model_fields
        if _is_unreadable(secrets / f"{PREFIX}{name}".lower())
    ]


def _is_unreadable(file: Path) -> bool:
    try:
        file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True
    return False


def _unreadable(variable: str, *, what: str) -> Fault:
    detail = f"{variable}: {what} cannot be read by the user that the service runs as."
    return Fault(f"/{variable}", "unreadable", detail)


def _is_known(name: str) -> bool:
    """Whether somebody meant this variable: a setting, a test's, or what Kubernetes makes of a service of our name."""
    known = name.removeprefix(PREFIX).lower() in Settings.model_fields or name == SECRETS_DIR
    return known or name.startswith(f"{PREFIX}TEST_") or _SERVICE_LINK.fullmatch(name) is not None
