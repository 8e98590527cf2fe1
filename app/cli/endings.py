"""How a command ends: what each exit code means, and which one an error becomes.

Every way of ending has a code of its own, so that a script need not read sentences.
"""

from collections.abc import Iterable
from typing import Final, NoReturn

import typer

from app.errors import (
    AlreadyInForceError,
    ChangedRunError,
    DigestTakenError,
    Fault,
    GuardMissingError,
    InvalidInputError,
    InvalidRuleSetError,
    InvalidSettingsError,
    JointRiskError,
    LedgerRefusedError,
    NoRuleSetError,
    NotScheduledError,
    OverloadedError,
    RuleSetInUseError,
    RuleSetWithdrawnError,
    SchemaAheadError,
    SchemaBehindError,
    SecondPersonNeededError,
    StaleError,
    StoreAwayError,
    UnknownActivationError,
    UnknownDraftError,
    UnknownKeyError,
    UnknownRuleSetError,
    UnreadableFileError,
    UnreadableTrainingError,
    UnusableFileError,
    VersionTakenError,
    WorkDiedError,
    WorkTimedOutError,
    WorkTooLargeError,
)

EXIT_MEANINGS: Final[dict[int, str]] = {
    0: "done; for health: ready",
    1: "not ready (health), or something unexpected",
    2: "the command line cannot be understood",
    3: "the input is invalid; every fault is printed",
    4: "the store's schema is behind; run: joint-risk migrate",
    5: "the store, or the service at --url, does not answer",
    6: "a file cannot be read",
    7: "no such rule set, none in force, or one that this release cannot load",
    8: "a JOINT_RISK_ setting cannot be used; each is printed",
    9: "the store's schema is ahead; run the newer release",
    10: "no such key, or the service at --url wants another one",
    11: "the work takes too long, needs too much memory, or has to wait; nothing was changed",
    12: "what was compared is not the same; every difference is printed",
    13: "the folder holds a bulk run that was begun with something else; every difference is printed",
    14: "the ledger stands against it: taken, in force, scheduled, withdrawn, or for somebody else to do",
}
UNEXPECTED: Final = 1
DIFFERENT: Final = 12
EXIT_OF: Final[dict[type[JointRiskError], int]] = {
    InvalidInputError: 3,
    InvalidRuleSetError: 3,
    InvalidSettingsError: 8,
    NoRuleSetError: 7,
    SchemaAheadError: 9,
    SchemaBehindError: 4,
    StoreAwayError: 5,
    UnknownKeyError: 10,
    UnknownRuleSetError: 7,
    UnreadableFileError: 6,
    UnreadableTrainingError: 6,
    UnusableFileError: 3,
    ChangedRunError: 13,
    UnknownDraftError: 7,
    UnknownActivationError: 7,
    VersionTakenError: 14,
    DigestTakenError: 14,
    AlreadyInForceError: 14,
    NotScheduledError: 14,
    RuleSetWithdrawnError: 14,
    RuleSetInUseError: 14,
    SecondPersonNeededError: 14,
    StaleError: 14,
    GuardMissingError: 14,
    LedgerRefusedError: 14,
    OverloadedError: 11,
    WorkDiedError: 11,
    WorkTimedOutError: 11,
    WorkTooLargeError: 11,
}
UNLOADABLE: Final = "rule-set-unloadable"
# The same refusal ends alike whether it was met here or told by a service.
EXIT_OF_SLUG: Final[dict[str, int]] = {error.slug: code for error, code in EXIT_OF.items()} | {
    UNLOADABLE: 7,
    "service-away": 5,
    "no-key": 10,
    "scope-missing": 10,
}
SAID_HERE: Final[dict[type[JointRiskError], str]] = {
    StoreAwayError: "The store does not answer. Check JOINT_RISK_DATABASE_URL, or try again shortly.",
    UnknownActivationError: "No activation has this number. List them with: joint-risk rules history",
    UnknownRuleSetError: "No published rule set has this version. List them with: joint-risk rules list",
}


def ensure_web_address(url: str) -> str:
    """The address, or the refusal of one that is none."""
    from app.terminal.calls import is_web_address

    if not is_web_address(url):
        raise typer.BadParameter("an address begins with http:// or https://.", param_hint="--url")
    return url


def warn(message: str) -> None:
    """One line to standard error."""
    typer.echo(f"joint-risk: {message}", err=True)


def complain(message: str, faults: Iterable[Fault] = ()) -> None:
    """What is wrong, and every place where it is, to standard error."""
    warn(message)
    for fault in faults:
        # A setting is named in the sentence already.
        place = "" if fault.detail.startswith(fault.pointer[1:] + ":") else f"{fault.pointer or 'as a whole'}: "
        typer.echo(f"  {place}{fault.detail}", err=True)


def give_up(message: str, faults: Iterable[Fault] = (), *, code: int = UNEXPECTED) -> NoReturn:
    """Complains, and ends the command with an exit code."""
    complain(message, faults)
    raise typer.Exit(code)
