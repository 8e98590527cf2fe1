"""The list of keys as a file: prefixes and hashes, for a service that runs without a store.

    {"joint_risk_keys": 1,
     "keys": [{"prefix": "jrk_Ab3dEf6h", "hash": "sha256:…", "name": "night batch", "owner": "ann",
               "scopes": ["score"], "created_at": "2026-11-26T09:00:00Z", "expires_at": null,
               "revoked_at": null, "revoked_by": null}]}

It holds no key, so it is no secret; but whoever may write it lets anybody in. It is looked at as often as a store
would be: a key that is revoked in a new file stops within the poll time.
"""

from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from app.access.keys import PREFIX_LENGTH, KeyRecord
from app.access.scopes import Scope
from app.errors import Fault, UnreadableFileError, UnusableFileError

Text = Annotated[str, Field(min_length=1)]


class _Key(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    prefix: Annotated[str, Field(pattern=r"^jrk_[A-Za-z0-9_-]+$", min_length=PREFIX_LENGTH, max_length=PREFIX_LENGTH)]
    hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    name: Text
    owner: Text
    scopes: tuple[Scope, ...]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    revoked_by: Text | None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    joint_risk_keys: Literal[1]
    keys: list[_Key]


class KeyFile:
    """A list of keys in a file; it is read anew when its bytes have changed.

    Args:
        path: None for no file: a list without keys.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def marker(self) -> object:
        """The digest of its bytes.

        Raises:
            UnreadableFileError: it cannot be read.
        """
        return sha256(self._read()).digest()

    def records(self) -> list[KeyRecord]:
        """Every key in it.

        Raises:
            UnreadableFileError: it cannot be read.
            UnusableFileError: it is no list of keys; with every fault.
        """
        return [] if self._path is None else read_key_file(self._read(), path=str(self._path))

    def _read(self) -> bytes:
        try:
            return b"" if self._path is None else self._path.read_bytes()
        except OSError:
            raise UnreadableFileError(str(self._path)) from None


def read_key_file(written: bytes, *, path: str) -> list[KeyRecord]:
    """The keys that a file holds.

    Raises:
        UnusableFileError: it is no list of keys; with every fault.
    """
    try:
        keys = _File.model_validate_json(written).keys
    except ValidationError as refused:
        found = refused.errors(include_input=False, include_context=False, include_url=False)
        raise UnusableFileError(
            path,
            [Fault("".join(f"/{part}" for part in each["loc"]), each["type"], f"{each['msg']}.") for each in found],
        ) from None
    prefixes = [key.prefix for key in keys]
    twice = [
        Fault(f"/keys/{place}/prefix", "repeated", "Another key has this prefix.")
        for place, prefix in enumerate(prefixes)
        if prefix in prefixes[:place]
    ]
    if twice:
        raise UnusableFileError(path, twice)
    return [KeyRecord(**dict(key)) for key in keys]


def write_key_file(records: list[KeyRecord]) -> bytes:
    """The file that holds these keys: the same bytes for the same keys.

    >>> write_key_file([])
    b'{\\n  "joint_risk_keys": 1,\\n  "keys": []\\n}\\n'
    """
    keys = [_Key.model_validate(asdict(record)) for record in records]
    return (_File(joint_risk_keys=1, keys=keys).model_dump_json(indent=2) + "\n").encode()
