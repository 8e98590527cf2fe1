"""The time of day of a real process, set while it runs, as an operator or a time server may set it.

Debian's `faketime` answers the process's questions for the time of day from a file, and leaves its steady clock alone,
as the kernel does.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

LIBRARIES = "*/faketime/libfaketimeMT.so.1"
# libfaketime 0.9.10 refuses to wait until a moment of the steady clock, which is how Python sleeps.
SLEEP_BY_SELECT = """
import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""


class SteppedClock:
    """What time it is for whoever is started with `environment`.

    Args:
        folder: for its files.
        moment: what time it is at first.
    """

    def __init__(self, folder: Path, moment: datetime) -> None:
        found = sorted(Path("/usr/lib").glob(LIBRARIES))
        if not found:
            pytest.skip("Debian's package faketime is not installed")
        self._file = folder / "clock"
        self._ahead_s = 0.0
        self.set(moment)
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(SLEEP_BY_SELECT, encoding="ascii")
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(site),
        }

    def set(self, moment: datetime) -> None:
        """Sets it, forward or back, from one moment to the next."""
        self._ahead_s = round(moment.timestamp() - time.time())
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._ahead_s:+.0f}\n", encoding="ascii")
        new.replace(self._file)  # whoever reads it reads the one or the other

    def now(self) -> datetime:
        """What time it is there."""
        return datetime.fromtimestamp(time.time() + self._ahead_s, UTC)
