"""Every error that Joint-risk raises on purpose, and the facts each one states.

    JointRiskError
    ├── FaultyError                  carries a list of faults, each with a pointer
    │   ├── InvalidInputError        the request cannot be scored as it is
    │   ├── InvalidRuleSetError      the rule-set document cannot be used as it is
    │   ├── ChangedRunError          a bulk run was begun with something else
    │   ├── InvalidSettingsError     the service cannot start with these settings
    │   └── UnusableFileError        a file was read and is not what it was taken for
    ├── UnknownRuleSetError          no published version of that name
    ├── NoRuleSetError               nothing is in force, so nothing can be scored
    ├── StoreAwayError               the database does not answer
    ├── SchemaBehindError            the database is older than this release can use
    ├── SchemaAheadError             the database is newer than this release can use
    ├── UnknownKeyError              no key has this prefix
    ├── UnreadableFileError          a file could not be read
    ├── UnreadableTrainingError      a training file was read and makes no sense
    ├── UnknownDraftError            no draft of that name
    ├── UnknownActivationError       no activation of that number
    ├── VersionTakenError            the version is published with another document
    ├── DigestTakenError             the document is published as another version
    ├── AlreadyInForceError          the activation would change nothing
    ├── NotScheduledError            the activation took effect, or was cancelled
    ├── RuleSetWithdrawnError        the version was withdrawn
    ├── RuleSetInUseError            the version is in force or scheduled
    ├── SecondPersonNeededError      somebody else has to do it
    ├── StaleError                   what the caller goes by is no longer so
    ├── GuardMissingError            the caller does not say what it goes by
    ├── LedgerRefusedError           the database itself refused the row
    ├── OverloadedError              there is no room for it now
    ├── WorkTimedOutError            a piece of work took longer than it may
    ├── WorkTooLargeError            a piece of work needed more memory than it may have
    └── WorkDiedError                the process that worked on it ended before it was done

An error names paths, ids and versions, never a runner's values. What status or exit code it becomes is
decided at the doors (`api/problems.py`, `cli/endings.py`), because the heart knows neither.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong, and where.

    Attributes:
        pointer: JSON Pointer (RFC 6901) into the request or document; "" is the whole of it.
        code: stable identifier of the kind of fault.
        detail: one sentence for people; may change between releases.
    """

    pointer: str
    code: str
    detail: str


class JointRiskError(Exception):
    """Root of all errors of this service; `slug` is public and never changes."""

    slug: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class FaultyError(JointRiskError):
    """Something is wrong in named places; all of them are listed, not only the first."""

    noun: ClassVar[str] = "fault"

    def __init__(self, faults: list[Fault]) -> None:
        count = len(faults)
        super().__init__(f"{count} {self.noun}{'' if count == 1 else 's'} found.")
        self.faults = faults


class InvalidInputError(FaultyError):
    """The request cannot be scored as it is; `faults` names every reason."""

    slug = "invalid-input"
    noun = "input fault"


class InvalidRuleSetError(FaultyError):
    """The rule-set document cannot be used as it is; `faults` names every reason."""

    slug = "rule-set-refused"
    noun = "rule-set fault"

    def __init__(self, faults: list[Fault], *, findings: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(faults)
        self.findings = list(findings)


class InvalidSettingsError(FaultyError):
    """The service cannot start with these settings; `faults` names each variable."""

    slug = "invalid-settings"
    noun = "settings fault"


class ChangedRunError(FaultyError):
    """A bulk run was begun with something else than it is to go on with; `faults` names every difference."""

    slug = "run-changed"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.message = "The folder holds a run that cannot go on like this."


class UnusableFileError(FaultyError):
    """A file was read and is not what it was taken for; `faults` names every place."""

    slug = "unusable-file"

    def __init__(self, path: str, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.message = f"The file {path} cannot be used as it is."
        self.path = path


class UnknownRuleSetError(JointRiskError):
    """No published rule set has this version; list the versions with `GET /v1/rule-sets`."""

    slug = "unknown-rule-set"

    def __init__(self, version: str) -> None:
        super().__init__("No published rule set has this version. List them with GET /v1/rule-sets.")
        self.version = version


class NoRuleSetError(JointRiskError):
    """No rule set is in force; migrate the store or activate a version."""

    slug = "no-rule-set"

    def __init__(self) -> None:
        super().__init__("No rule set is in force. Run 'joint-risk migrate', or activate a published version.")


class StoreAwayError(JointRiskError):
    """The database does not answer; scoring with rules held in memory goes on."""

    slug = "store-away"

    def __init__(
        self, message: str = "The store does not answer. Try again shortly; scoring with the rules in force goes on."
    ) -> None:
        super().__init__(message)


class SchemaBehindError(JointRiskError):
    """The database schema is older than this release can use; run `joint-risk migrate`."""

    slug = "schema-behind"

    def __init__(self) -> None:
        super().__init__("The store's schema is older than this release. Run 'joint-risk migrate'.")


class SchemaAheadError(JointRiskError):
    """The database schema is newer than this release can use; run the newer release."""

    slug = "schema-ahead"

    def __init__(self) -> None:
        super().__init__("The store's schema is newer than this release. Run the release that made it, or a later one.")


class UnknownKeyError(JointRiskError):
    """No key has this prefix; `joint-risk keys list` shows those that there are."""

    slug = "unknown-key"

    def __init__(self, prefix: str) -> None:
        super().__init__("No key has this prefix. List them with: joint-risk keys list")
        self.prefix = prefix


class UnreadableFileError(JointRiskError):
    """A file could not be read; the message names it."""

    slug = "unreadable-file"

    def __init__(self, path: str) -> None:
        super().__init__(f"The file {path} cannot be read. Check the name and the permissions.")
        self.path = path


class UnreadableTrainingError(JointRiskError):
    """A file with training is damaged, too large or of no known format; the message names it and says which.

    Attributes:
        source: the file as its sender called it, fit to be printed.
        reason: one sentence about the format, never about what the runner did.
    """

    slug = "unreadable-training"

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"The file {source} cannot be read. {reason}")
        self.source = source
        self.reason = reason


class UnknownDraftError(JointRiskError):
    """No draft has this name; list the drafts with `GET /v1/rule-set-drafts`."""

    slug = "unknown-draft"

    def __init__(self) -> None:
        super().__init__("No draft has this name. List them with GET /v1/rule-set-drafts.")


class UnknownActivationError(JointRiskError):
    """No activation has this number; list them with `GET /v1/rule-sets/activations`."""

    slug = "unknown-activation"

    def __init__(self) -> None:
        super().__init__("No activation has this number. List them with GET /v1/rule-sets/activations.")


class VersionTakenError(JointRiskError):
    """The version is published with another document, and stays as it is; take another version."""

    slug = "version-taken"

    def __init__(self, version: str) -> None:
        super().__init__(f"Version {version} is published already, and stays as it is. Publish as another version.")
        self.version = version


class DigestTakenError(JointRiskError):
    """The same document is published as another version; activate that one."""

    slug = "digest-taken"

    def __init__(self, version: str) -> None:
        super().__init__(f"The same document is published already, as version {version}. Use that one.")
        self.version = version


class AlreadyInForceError(JointRiskError):
    """The version is in force, or will be by the moment that was asked for, so the activation would change nothing."""

    slug = "already-in-force"

    def __init__(self, version: str, sequence: int) -> None:
        super().__init__(
            f"Version {version} is in force at that moment already, by activation {sequence}. Nothing was changed."
        )
        self.version = version
        self.sequence = sequence


class NotScheduledError(JointRiskError):
    """Only what is scheduled can be cancelled; what took effect is rolled back by activating an older version."""

    slug = "not-scheduled"

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"Activation {sequence} {reason}, so there is nothing to cancel.")
        self.sequence = sequence


class RuleSetWithdrawnError(JointRiskError):
    """The version was withdrawn: it can be read and pinned, and is never activated or withdrawn again."""

    slug = "rule-set-withdrawn"

    def __init__(self, version: str) -> None:
        super().__init__(f"Version {version} was withdrawn. It is never activated again; activate another version.")
        self.version = version


class RuleSetInUseError(JointRiskError):
    """A version that is in force or scheduled is not withdrawn; activate another or cancel the schedule first."""

    slug = "rule-set-in-use"

    def __init__(self, version: str, sequence: int) -> None:
        super().__init__(
            f"Version {version} is in force or scheduled, by activation {sequence}. Activate another version or cancel "
            "that activation first."
        )
        self.version = version
        self.sequence = sequence


class SecondPersonNeededError(JointRiskError):
    """Whoever wrote a rule set does not also publish it or put it in force; somebody else has to."""

    slug = "second-person-needed"

    def __init__(self) -> None:
        super().__init__("You are an author of this rule set (JOINT_RISK_SECOND_PERSON). Somebody else has to do this.")


class StaleError(JointRiskError):
    """What the caller goes by is no longer so; look again, and decide anew."""

    slug = "precondition-failed"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} Look again, and decide anew. Nothing was changed.")


class GuardMissingError(JointRiskError):
    """Somebody else's work would be written over unseen; say by `If-Match` what it is that you go by."""

    slug = "precondition-required"

    def __init__(self) -> None:
        super().__init__(
            "A draft of this name exists, and differs. Send If-Match with the ETag of the one that you have seen."
        )


class LedgerRefusedError(JointRiskError):
    """The database itself refused the row, by a rule that nobody here foresaw; nothing was changed."""

    slug = "ledger-refused"

    def __init__(self) -> None:
        super().__init__("The store's own rules refuse this. Nothing was changed; look at the ledger, and decide anew.")


class OverloadedError(JointRiskError):
    """There is no room for it now; nothing of it was done, so it may be sent again."""

    slug = "overloaded"

    def __init__(self) -> None:
        super().__init__("This replica has as much to do as it can do in time. Send it again after Retry-After.")


class WorkTimedOutError(JointRiskError):
    """A piece of work took longer than it may and was stopped; nothing was changed."""

    slug = "work-timed-out"

    def __init__(self, deadline_s: float) -> None:
        super().__init__(
            f"This took longer than {deadline_s:g} s and was stopped; nothing was changed. Send less, or try again "
            "when less is going on."
        )


class WorkTooLargeError(JointRiskError):
    """A piece of work needed more memory than it may have and was stopped; nothing was changed."""

    slug = "work-too-large"

    def __init__(self, memory_bytes: int) -> None:
        super().__init__(
            f"This needs more than {memory_bytes // 1_048_576} MiB of memory and was stopped; nothing was changed. "
            "Send less."
        )


class WorkDiedError(JointRiskError):
    """The process that worked on it ended before it was done; nothing was changed, and the log says more."""

    slug = "work-died"

    def __init__(self) -> None:
        super().__init__(
            "The process that worked on this ended before it was done; nothing was changed. Try again once; if it "
            "happens again, the log says more."
        )
