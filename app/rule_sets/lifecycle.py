"""The rules of a rule set's life, one guard a rule: each is handed what the ledgers say and refuses what may not be.

A rule is one function here and one row in the refusal table of `tests/unit/test_lifecycle.py`. None of them asks a
store, a clock or a setting; `ledgers.py` and `drafts.py` call them inside the transaction that they guard.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from app.errors import (
    AlreadyInForceError,
    DigestTakenError,
    Fault,
    GuardMissingError,
    InvalidInputError,
    NotScheduledError,
    RuleSetInUseError,
    RuleSetWithdrawnError,
    SecondPersonNeededError,
    StaleError,
    UnknownActivationError,
    VersionTakenError,
)
from app.rule_sets.store import Activation, RuleSetEntry

AHEAD_MOST: Final = timedelta(days=90)
REASON_MOST_CHARACTERS: Final = 1_000
VERSION_FORM: Final = re.compile(r"[1-9][0-9]{3}\.(0|[1-9][0-9]{0,8})")
DRAFT_NAME_FORM: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

SecondPerson = Literal["needed", "not needed"]

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_KEPT: Final = re.compile(r"Kept with activation [0-9]+: ")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger of activations comes to at a moment.

    Attributes:
        last_sequence: of the newest row; 0 where there is none.
        in_force: the row in force; None where nothing took effect yet.
        scheduled: rows that are still to come and that nobody cancelled, by sequence.
        cancelled: sequences that some row cancels.
    """

    last_sequence: int
    in_force: Activation | None
    scheduled: tuple[Activation, ...]
    cancelled: frozenset[int]


def derive_standing(rows: Iterable[Activation], *, now: datetime) -> Standing:
    """What the whole ledger comes to: in force is the highest sequence that took effect and that nobody cancelled."""
    by_sequence = sorted(rows, key=lambda row: row.sequence)
    cancelled = frozenset(sequence for row in by_sequence for sequence in row.cancels)
    left = [row for row in by_sequence if row.effective_at is not None and row.sequence not in cancelled]
    took_effect = [row for row in left if row.effective_at is not None and row.effective_at <= now]
    return Standing(
        last_sequence=by_sequence[-1].sequence if by_sequence else 0,
        in_force=took_effect[-1] if took_effect else None,
        scheduled=tuple(row for row in left if row not in took_effect),
        cancelled=cancelled,
    )


def derive_outranked(in_force: Activation | None, scheduled: Iterable[Activation]) -> dict[int, int]:
    """Which scheduled activations will not take effect, each by its sequence, and the sequence of what holds instead.

    Later decisions win: a higher sequence whose moment comes first, or at the same time, still holds at theirs.
    """
    standing = [(row.sequence, row.effective_at) for row in (in_force, *scheduled) if row and row.effective_at]
    holding = {
        sequence: max(other for other, other_at in standing if other_at <= effective_at)
        for sequence, effective_at in standing
    }
    return {sequence: held_by for sequence, held_by in holding.items() if held_by > sequence}


def derive_kept_reason(reason: str, *, sequence: int) -> str:
    """Why an activation stands that was kept when a later one was decided; however often it is kept, said once.

    >>> derive_kept_reason("Kept with activation 4: season's end", sequence=7)
    "Kept with activation 7: season's end"
    """
    return f"Kept with activation {sequence}: {_KEPT.sub('', reason, count=1)}"


# -------------------------------------------------------------------------------------------------- what people say


def ensure_reason(reason: str) -> None:
    """Whoever changes the rules says why, in words that can be printed."""
    if not len(reason.strip()) > 0 or len(reason) > REASON_MOST_CHARACTERS:
        code = "too-long" if len(reason) > REASON_MOST_CHARACTERS else "too-short"
        detail = f"Say why, in 1 to {REASON_MOST_CHARACTERS} characters."
        raise InvalidInputError([Fault("/reason", code, detail)])
    if _UNPRINTABLE.search(reason):
        raise InvalidInputError([Fault("/reason", "malformed", "The text holds a character that cannot be printed.")])


def ensure_version_form(version: str) -> None:
    """A version is a year and a number."""
    if not VERSION_FORM.fullmatch(version):
        detail = "A version is a year, a full stop and a number without leading zeros, as in 2026.2."
        raise InvalidInputError([Fault("/version", "malformed", detail)])


def ensure_draft_name_form(name: str) -> None:
    """A draft's name can stand in an address as it is."""
    if not DRAFT_NAME_FORM.fullmatch(name):
        detail = "A draft's name is 1 to 64 of a-z, 0-9, _ and -, and begins with a letter or a digit."
        raise InvalidInputError([Fault("/path/name", "malformed", detail)])


def ensure_moment(effective_at: datetime, *, now: datetime) -> None:
    """Nothing takes effect in the past, where answers were given already, nor so far ahead that nobody remembers."""
    if effective_at < now:
        detail = "This moment is past. Leave effective_at out to activate at once."
        raise InvalidInputError([Fault("/effective_at", "in-the-past", detail)])
    if effective_at > now + AHEAD_MOST:
        detail = f"An activation is scheduled at most {AHEAD_MOST.days} days ahead."
        raise InvalidInputError([Fault("/effective_at", "too-far-ahead", detail)])


# ----------------------------------------------------------------------------------------------------------- drafts


def ensure_draft_was_seen(
    standing: str | None, *, if_match: Sequence[str] | None, if_none_match: Sequence[str] | None
) -> None:
    """A draft is written over by somebody who has seen it, and a new one does not take the place of another's.

    Args:
        standing: ETag of the draft as it is; None where there is none.
        if_match: ETags that the caller goes by, `*` for any; None where nothing was said.
        if_none_match: ETags that must not be there.
    """
    if if_match is not None and (standing is None or not {standing, "*"} & set(if_match)):
        raise StaleError("The draft is not the one that If-Match names.")
    if if_none_match is not None and standing is not None and {standing, "*"} & set(if_none_match):
        raise StaleError("A draft of this name exists already.")
    if standing is not None and if_match is None:
        raise GuardMissingError


def ensure_expected_digest(digest: str, *, expected: str | None) -> None:
    """What is published is what the caller has checked."""
    if expected is not None and expected != digest:
        raise StaleError("The draft is not the one that draft_digest names.")


# ------------------------------------------------------------------------------------------------------- publishing


def ensure_version_is_free(version: str, *, standing: RuleSetEntry | None) -> None:
    """A version is published once."""
    if standing is not None:
        raise VersionTakenError(version)


def is_published_as(digest: str, *, standing: RuleSetEntry | None) -> bool:
    """Whether a version holds this very document already.

    Raises:
        VersionTakenError: it holds another one.
    """
    if standing is not None and standing.digest != digest:
        raise VersionTakenError(standing.version)
    return standing is not None


def ensure_document_is_new(*, standing_as: str | None) -> None:
    """A document is published once, whatever its version."""
    if standing_as is not None:
        raise DigestTakenError(standing_as)


def ensure_second_person(actor: str, *, authors: Collection[str], second_person: SecondPerson) -> None:
    """Whoever wrote a rule set neither publishes it nor is the first to put it in force, where that is asked for."""
    if second_person == "needed" and actor in authors:
        raise SecondPersonNeededError


# ------------------------------------------------------------------------------------------------------- activating


def ensure_nothing_was_decided_since(expected: int | None, *, standing: Standing) -> None:
    """Whoever says which decision is the last that they know is not overtaken by another."""
    if expected is not None and expected != standing.last_sequence:
        raise StaleError("The last activation is not the one that If-Match names.")


def ensure_not_withdrawn(version: str, *, withdrawn: Collection[str]) -> None:
    """What was withdrawn is never activated, and not withdrawn twice."""
    if version in withdrawn:
        raise RuleSetWithdrawnError(version)


def ensure_something_changes(
    version: str,
    *,
    standing: Standing,
    keeps_schedule: Literal["keep", "cancel"],
    effective_at: datetime | None = None,
) -> None:
    """An activation changes what is in force at its moment, or what will be later.

    Args:
        effective_at: its moment, by which what is scheduled before it has taken effect; None for at once.
    """
    by_then = [
        row for row in standing.scheduled if effective_at and row.effective_at and row.effective_at <= effective_at
    ]
    holding = max(
        [row for row in (standing.in_force, *by_then) if row is not None], key=lambda row: row.sequence, default=None
    )
    changes_schedule = bool(standing.scheduled) and keeps_schedule == "cancel"
    if holding is not None and holding.version == version and not changes_schedule:
        raise AlreadyInForceError(version, holding.sequence)


def ensure_still_scheduled(sequence: int, *, rows: Sequence[Activation], standing: Standing) -> None:
    """Only what is still to come is cancelled; what took effect is rolled back by activating an older version."""
    row = next((row for row in rows if row.sequence == sequence), None)
    if row is None:
        raise UnknownActivationError
    if sequence in standing.cancelled:
        raise NotScheduledError(sequence, "was cancelled already")
    if row.effective_at is None:
        raise NotScheduledError(sequence, "only cancels")
    if row not in standing.scheduled:
        raise NotScheduledError(sequence, "took effect already (roll back by activating an older version)")


# ------------------------------------------------------------------------------------------------------ withdrawing


def ensure_not_in_use(version: str, *, standing: Standing) -> None:
    """What is in force or scheduled is not withdrawn."""
    using = [standing.in_force, *standing.scheduled]
    sequence = next((row.sequence for row in using if row is not None and row.version == version), None)
    if sequence is not None:
        raise RuleSetInUseError(version, sequence)
