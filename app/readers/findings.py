"""Every doubt that an import can have about a file or an activity: one row a code, with what it means.

The codes are public and never change; the table in docs/training-files.md is held to this one by a test.
"""

from typing import Final, Literal, NamedTuple

Severity = Literal["info", "warning"]
FindingCode = Literal[
    "archive-part-passed-over",
    "date-only-twins",
    "distance-disagrees",
    "doubtful-clock",
    "duplicate",
    "empty-record",
    "gap-in-log",
    "impossible-pace",
    "in-the-future",
    "local-day-from-longitude",
    "local-day-unsure",
    "manual-entry",
    "missing-distance",
    "missing-duration",
    "multisport-leg",
    "no-timestamp",
    "not-an-activity",
    "not-running",
    "older-than-400-days",
    "other-sport-hours",
    "salvaged",
    "too-many-runs",
    "unit-guessed",
    "unknown-sport",
    "unreadable-file",
    "unreadable-number",
    "walking-pace",
    "watch-left-running",
    "weeks-without-activities",
]


class FindingKind(NamedTuple):
    """What a code means.

    Attributes:
        severity: `warning` where the sums may be wrong because of it.
        message: one sentence for people.
    """

    severity: Severity
    message: str


FINDINGS: Final[dict[FindingCode, FindingKind]] = {
    "archive-part-passed-over": FindingKind("info", "A part of the archive is no training file and was passed over."),
    "date-only-twins": FindingKind("warning", "Two runs of a day are alike; nothing tells them apart; both count."),
    "distance-disagrees": FindingKind("warning", "The file tells two distances; the docs say which one counts."),
    "doubtful-clock": FindingKind("warning", "The device's clock was wrong, so the day is not known; it was left out."),
    "duplicate": FindingKind("info", "The same activity is in another file too; it counts once."),
    "empty-record": FindingKind("warning", "The platform tells an id and nothing else; import it from its source."),
    "gap-in-log": FindingKind("info", "Part of the activity was not recorded."),
    "impossible-pace": FindingKind("warning", "Nobody runs that fast over that distance; it was left out."),
    "in-the-future": FindingKind("warning", "The activity starts after the day of the import; it was left out."),
    "local-day-from-longitude": FindingKind("info", "The local day is another than in UTC, by the longitude."),
    "local-day-unsure": FindingKind("info", "The start is known in UTC only; the local day may be the next one."),
    "manual-entry": FindingKind("info", "Somebody typed this activity in; it counts as it stands."),
    "missing-distance": FindingKind("warning", "The run has no distance; it counts as a run of unknown distance."),
    "missing-duration": FindingKind("info", "The run has no duration."),
    "multisport-leg": FindingKind("info", "A leg of a multisport activity; each leg counts for itself, the whole not."),
    "no-timestamp": FindingKind("warning", "The file does not say when it was; it was left out."),
    "not-an-activity": FindingKind("info", "The file holds something else than activities."),
    "not-running": FindingKind("info", "No run, so it is not among the sessions."),
    "older-than-400-days": FindingKind("info", "Older than the sessions that are kept for scoring."),
    "other-sport-hours": FindingKind("info", "Other sport of the last four weeks: runner.other_sport_hours_per_week."),
    "salvaged": FindingKind("warning", "The file is damaged; what could be read of it counts."),
    "too-many-runs": FindingKind("warning", "More runs than a request may hold; the oldest were left out."),
    "unit-guessed": FindingKind("warning", "The file does not say in which unit distances are; it was worked out."),
    "unknown-sport": FindingKind("warning", "The file names no sport; pace and distance are those of a run."),
    "unreadable-file": FindingKind("warning", "The file cannot be read."),
    "unreadable-number": FindingKind("warning", "A number of the file makes no sense; it was left out."),
    "walking-pace": FindingKind("info", "Logged as a run at a walking pace; it counts as a run."),
    "watch-left-running": FindingKind("warning", "The watch seems to have been left running; the time is not counted."),
    "weeks-without-activities": FindingKind(
        "warning", "Two weeks or more hold nothing; unless files are missing, it was rest."
    ),
}
