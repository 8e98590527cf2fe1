"""The samples of platforms, and shorthand to read them."""

from pathlib import Path

from app.readers import READERS, read_content
from app.readers.activities import Activity, Reading
from app.readers.content import Content

FOLDER = Path(__file__).parents[1] / "samples" / "platforms"
SAMPLES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".md")
PLATFORMS = (
    "strava",
    "strava-export",
    "garmin-csv",
    "garmin-takeout",
    "garmin-api",
    "open-wearables",
    "terra",
    "suunto",
    "polar",
    "intervals-icu",
)


def sample(name: str) -> Content:
    """A sample by its name."""
    return Content((FOLDER / name).read_bytes(), name=name)


def read(raw: str | bytes, *, reader: str, name: str = "made.up") -> Reading:
    """What a reader makes of text, having found that it is its own."""
    content = Content(raw.encode() if isinstance(raw, str) else raw, name=name)
    found = [id for id, one in READERS.items() if one.sniff(content)]
    assert found == [reader]
    return read_content(content)


def only(reading: Reading) -> Activity:
    """The one activity of a reading."""
    (activity,) = reading.activities
    return activity


def codes(reading: Reading) -> dict[str, int]:
    """Findings as code to count."""
    return {found.code: found.count for found in reading.findings}
