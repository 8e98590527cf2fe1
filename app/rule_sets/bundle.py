"""Chosen versions and their schedule in one file: all that a service without a store needs to score.

    {"joint_risk_bundle": 1, "digest": "sha256:…", "written_at": "2026-11-26T09:00:00Z",
     "versions": [{"version", "digest", "published_at", "published_by", "reason", "document"}],
     "activations": [{"sequence", "version", "effective_at", "activated_at", "activated_by", "reason", "cancels"}],
     "withdrawals": [{"sequence", "version", "withdrawn_at", "withdrawn_by", "reason"}]}

Each version has the digest that it was published with, and the file one over all the rest of it, in the canonical form
of RFC 8785. A bundle whose digests do not fit is refused whole: rules that somebody has touched are no longer rules
that somebody published.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from app.database import connect_nowhere
from app.errors import (
    Fault,
    InvalidRuleSetError,
    NoRuleSetError,
    UnknownRuleSetError,
    UnreadableFileError,
    UnusableFileError,
)
from app.rule_sets.documents import canonical_bytes, digest_of
from app.rule_sets.store import Activation, PublishedRuleSet, RuleSetEntry, RuleSetStore, Withdrawal, pick_in_force

BUNDLE_BYTES_MOST = 64 * 1_048_576
_PAGE = 100
_VERSION = r"^[0-9]{4}\.(0|[1-9][0-9]{0,8})$"
_DIGEST = r"^sha256:[0-9a-f]{64}$"

Text = Annotated[str, Field(min_length=1)]
Version = Annotated[str, Field(pattern=_VERSION)]
Digest = Annotated[str, Field(pattern=_DIGEST)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Version(_Part):
    version: Version
    digest: Digest
    published_at: AwareDatetime
    published_by: Text
    reason: Text
    document: dict[str, JsonValue]


class _Activation(_Part):
    sequence: Annotated[int, Field(ge=1)]
    version: Version | None
    effective_at: AwareDatetime | None
    activated_at: AwareDatetime
    activated_by: Text
    reason: Text
    cancels: tuple[int, ...]


class _Withdrawal(_Part):
    sequence: Annotated[int, Field(ge=1)]
    version: Version
    withdrawn_at: AwareDatetime
    withdrawn_by: Text
    reason: Text


class _Bundle(_Part):
    joint_risk_bundle: Literal[1]
    digest: Digest
    written_at: AwareDatetime
    versions: Annotated[list[_Version], Field(min_length=1)]
    activations: Annotated[list[_Activation], Field(min_length=1)]
    withdrawals: list[_Withdrawal]


class BundleStore(RuleSetStore):
    """A bundle that answers as the store would whose ledgers it was written from, as far as they stand in it.

    Whatever else a store is asked (what is written to it, above all) is answered as by one that is away.
    """

    def __init__(
        self,
        versions: Iterable[PublishedRuleSet],
        activations: Iterable[Activation],
        withdrawals: Iterable[Withdrawal],
    ) -> None:
        super().__init__(connect_nowhere())
        self._withdrawals = sorted(withdrawals, key=lambda row: -row.sequence)
        self._newest_first = sorted(activations, key=lambda row: -row.sequence)
        # Newest first: by the numbers of a version, not by its text.
        newest = sorted(versions, key=lambda each: [-int(part) for part in each.version.split(".")])
        self._versions = {published.version: published for published in newest}

    def versions(self, *, limit: int, before: str | None = None) -> list[RuleSetEntry]:
        """As the store: highest version first, from below `before` on; raises UnknownRuleSetError."""
        if before is not None and before not in self._versions:
            raise UnknownRuleSetError(before)
        start = 0 if before is None else list(self._versions).index(before) + 1
        entries: list[RuleSetEntry] = list(self._versions.values())
        return entries[start : start + limit]

    def version(self, version: str) -> PublishedRuleSet:
        """As the store; a version that was not chosen is unknown here."""
        published = self._versions.get(version)
        if published is None:
            raise UnknownRuleSetError(version)
        return published

    def activations(self, *, limit: int, before: int | None = None) -> list[Activation]:
        """As the store: newest first, from below the sequence number `before` on."""
        return [row for row in self._newest_first if before is None or row.sequence < before][:limit]

    def in_force(self, at: datetime) -> Activation | None:
        """As the store: the activation in force at a moment."""
        return pick_in_force(self._newest_first, at)

    def scheduled(self, after: datetime) -> list[Activation]:
        """As the store: what takes effect after a moment and was not cancelled by then, the next first."""
        cancelled = {number for row in self._newest_first if row.activated_at <= after for number in row.cancels}
        coming = [
            (row.effective_at, row.sequence, row)
            for row in self._newest_first
            if row.effective_at is not None and row.effective_at > after and row.sequence not in cancelled
        ]
        return [row for _, _, row in sorted(coming, key=lambda each: each[:2])]

    def last_sequence(self) -> int:
        """As the store: the highest sequence number."""
        return self._newest_first[0].sequence

    def last_sequences(self) -> tuple[int, int]:
        """As the store: the highest sequence numbers of activations and withdrawals."""
        return self.last_sequence(), max((row.sequence for row in self._withdrawals), default=0)

    def withdrawals(self) -> list[Withdrawal]:
        """As the store: newest first, of the versions that stand in the file."""
        return list(self._withdrawals)


def write_bundle(store: RuleSetStore, *, versions: Iterable[str], now: datetime) -> bytes:
    """The file that holds these versions, and always those in force and scheduled, with the ledger rows that say so.

    Args:
        store: whose ledgers they stand in.
        versions: which to take along beside those; the one that was in force before, to roll back to, say.
        now: the moment that "in force" is meant of.

    Raises:
        UnknownRuleSetError: one of them was never published.
        NoRuleSetError: nothing is in force, so nothing could be scored by the file.
        StoreAwayError: the store does not answer.
    """
    in_force = store.in_force(now)
    if in_force is None:
        raise NoRuleSetError
    standing = [in_force, *store.scheduled(now)]
    wanted = {*versions, *(row.version for row in standing if row.version is not None)}
    bundle: dict[str, Any] = {
        "joint_risk_bundle": 1,
        "written_at": _moment(now),
        "versions": [_describe_version(store.version(version)) for version in sorted(wanted)],
        "activations": [_describe_activation(row) for row in sorted(standing, key=lambda row: row.sequence)],
        "withdrawals": [_describe_withdrawal(row) for row in store.withdrawals()[::-1] if row.version in wanted],
    }
    bundle["digest"] = digest_of(rfc8785.dumps(bundle))
    return (json.dumps(bundle, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def read_bundle(path: Path) -> BundleStore:
    """The store that a bundle stands for.

    Raises:
        UnreadableFileError: the file cannot be read.
        UnusableFileError: it is no bundle, or not the one that was written; with every fault.
    """
    try:
        written = path.read_bytes()
    except OSError:
        raise UnreadableFileError(str(path)) from None
    if len(written) > BUNDLE_BYTES_MOST:
        raise _unusable(path, Fault("", "too-large", f"A bundle has at most {BUNDLE_BYTES_MOST} bytes."))
    try:
        bundle = _Bundle.model_validate_json(written)
        told = json.loads(written)
        del told["digest"]
        digest = digest_of(rfc8785.dumps(told))
    except ValidationError as refused:
        found = refused.errors(include_input=False, include_context=False, include_url=False)
        faults = [Fault("".join(f"/{part}" for part in each["loc"]), each["type"], f"{each['msg']}.") for each in found]
        raise _unusable(path, *faults) from None
    except (ValueError, RecursionError):
        raise _unusable(path, Fault("", "malformed", "It is not JSON that could be written again as it is.")) from None
    faults = list(_check_bundle(bundle))
    if digest != bundle.digest:
        faults.insert(0, Fault("/digest", "wrong-digest", "The file is not what was written."))
    if faults:
        raise _unusable(path, *faults)
    digest_by_version = {each.version: each.digest for each in bundle.versions}
    return BundleStore(
        [PublishedRuleSet(**dict(each), canonical=canonical_bytes(each.document)) for each in bundle.versions],
        [
            Activation(**dict(row), digest=None if row.version is None else digest_by_version[row.version])
            for row in bundle.activations
        ],
        [Withdrawal(**dict(row), digest=digest_by_version[row.version]) for row in bundle.withdrawals],
    )


def _check_bundle(bundle: _Bundle) -> Iterable[Fault]:
    names = [each.version for each in bundle.versions]
    for place, each in enumerate(bundle.versions):
        at = f"/versions/{place}"
        if each.version in names[:place]:
            yield Fault(f"{at}/version", "repeated", "The version stands there twice.")
        try:
            fits = digest_of(canonical_bytes(each.document)) == each.digest
        except InvalidRuleSetError:
            fits = False
        if not fits:
            yield Fault(f"{at}/digest", "wrong-digest", f"The document is not the one published as {each.version}.")
    sequences = [row.sequence for row in bundle.activations]
    for place, row in enumerate(bundle.activations):
        at = f"/activations/{place}"
        if row.sequence in sequences[:place]:
            yield Fault(f"{at}/sequence", "repeated", "The sequence number stands there twice.")
        if (row.version is None) != (row.effective_at is None):
            yield Fault(at, "contradiction", "A version and its moment stand together.")
        if row.version is not None and row.version not in names:
            yield Fault(f"{at}/version", "unknown-version", f"Version {row.version} is not in the file.")
    for place, withdrawn in enumerate(bundle.withdrawals):
        if withdrawn.version not in names:
            detail = f"Version {withdrawn.version} is not in the file."
            yield Fault(f"/withdrawals/{place}/version", "unknown-version", detail)


def _unusable(path: Path, *faults: Fault) -> UnusableFileError:
    return UnusableFileError(str(path), list(faults))


def _describe_version(published: PublishedRuleSet) -> dict[str, Any]:
    return {
        "version": published.version,
        "digest": published.digest,
        "published_at": _moment(published.published_at),
        "published_by": published.published_by,
        "reason": published.reason,
        "document": published.document,
    }


def _describe_activation(row: Activation) -> dict[str, Any]:
    return {
        "sequence": row.sequence,
        "version": row.version,
        "effective_at": None if row.effective_at is None else _moment(row.effective_at),
        "activated_at": _moment(row.activated_at),
        "activated_by": row.activated_by,
        "reason": row.reason,
        # What it cancelled is not in the file.
        "cancels": [],
    }


def _describe_withdrawal(row: Withdrawal) -> dict[str, Any]:
    return {
        "sequence": row.sequence,
        "version": row.version,
        "withdrawn_at": _moment(row.withdrawn_at),
        "withdrawn_by": row.withdrawn_by,
        "reason": row.reason,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
