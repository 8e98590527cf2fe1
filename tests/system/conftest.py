"""Real services for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.running import Server, Starter


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Starts services with an embedded store in a folder of the test's own, and ends them after it."""
    starter = Starter(tmp_path)
    yield starter
    starter.end_all()


@pytest.fixture
def server(start: Starter) -> Server:
    """One service, with every setting at its default but the time for draining, which is none."""
    return start()
