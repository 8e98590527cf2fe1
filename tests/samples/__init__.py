"""The sample files, and what each of them holds."""

import csv
from pathlib import Path

SAMPLES = Path(__file__).parent


def sample(name: str) -> bytes:
    """The bytes of one sample: `fit/Activity.fit`."""
    return (SAMPLES / name).read_bytes()


def expected() -> list[dict[str, str]]:
    """The rows of `expected.csv`."""
    with (SAMPLES / "expected.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))
