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
    ├── OverloadedError              there is no room for it now
    ├── WorkTimedOutError            a piece of work took longer than it may
    ├── WorkTooLargeError            a piece of work needed more memory than it may have
    └── WorkDiedError                the process that worked on it ended before it was done

An error names paths, ids and versions, never a runner's values. What status or exit code it becomes is
decided at the doors (`api/problems.py`, `cli/endings.py`), because the heart knows neither.
"""

from typing import ClassVar, NamedTuple


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
