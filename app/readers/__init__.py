"""From the files and exports that runners have to activities: one reader a format, one row each.

A row's order is the order of asking: what is told by its first bytes comes before what has to be parsed to be told.
Importing this loads none of the libraries that read files; each reader loads its own when it is called.
"""

from typing import Final

from app.errors import UnreadableTrainingError
from app.readers import (
    fit,
    garmin_api,
    garmin_csv,
    garmin_takeout,
    gpx,
    intervals_icu,
    joint_risk,
    open_wearables,
    polar,
    strava,
    strava_export,
    suunto,
    tcx,
    terra,
)
from app.readers.activities import Reader, Reading
from app.readers.content import JSON_LIMIT_BYTES, Content

READERS: Final[dict[str, Reader]] = {
    "fit": fit.READER,
    "gpx": gpx.READER,
    "tcx": tcx.READER,
    "joint-risk": joint_risk.READER,
    "intervals-icu": intervals_icu.READER,
    "strava": strava.READER,
    "garmin-takeout": garmin_takeout.READER,
    "garmin-api": garmin_api.READER,
    "open-wearables": open_wearables.READER,
    "terra": terra.READER,
    "suunto": suunto.READER,
    "polar": polar.READER,
    "strava-export": strava_export.READER,
    "garmin-csv": garmin_csv.READER,
}
"""Id to reader: a newcomer's format is one file here and one row."""

ARCHIVES: Final = dict.fromkeys(
    ("application/gzip", "application/json", "application/octet-stream", "application/zip", "text/csv")
)
"""Media types that say nothing of the format; it is found by content."""


def readable_media_types() -> dict[str, Reader | None]:
    """Media types that one body may come in, and the reader that each asks for; None: found by content.

    >>> readable_media_types()["application/gpx+xml"].id, readable_media_types()["application/json"]
    ('gpx', None)
    """
    named: dict[str, Reader | None] = {
        media_type: reader for reader in READERS.values() for media_type in reader.media_types
    }
    return {**named, **ARCHIVES}


def find_reader(content: Content) -> Reader:
    """The reader whose format this is; by content, whatever the name says.

    Raises:
        UnreadableTrainingError: it is empty, too large, or of no format that is read here.
    """
    if not content.raw.strip(b"\0 \t\r\n"):
        raise UnreadableTrainingError(content.name, "It is empty.")
    for reader in READERS.values():
        if reader.sniff(content):
            return reader
    if content.head[:1] in (b"{", b"["):
        if len(content.raw) > JSON_LIMIT_BYTES:
            reason = f"It is JSON of more than {JSON_LIMIT_BYTES} bytes; send it in parts."
            raise UnreadableTrainingError(content.name, reason)
        raise UnreadableTrainingError(content.name, "It is JSON of no platform that is read here, or broken JSON.")
    raise UnreadableTrainingError(content.name, "It is of no format that is read here.")


def read_content(content: Content, *, reader: Reader | None = None) -> Reading:
    """What one file holds.

    Args:
        content: the file.
        reader: its format, where the sender said which; else it is found by content.

    Raises:
        UnreadableTrainingError: the file cannot be read, or is of no format that is read here.
    """
    return (reader or find_reader(content)).read(content)
