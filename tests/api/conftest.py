"""A service on a store of its own for each test, and one to share where a test changes nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.service import Author, Outage, Service


@pytest.fixture(scope="module")
def shared_service(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for all tests of a file that only ask: its store is nobody's to change."""
    file = tmp_path_factory.mktemp("shared") / "store.db"
    shutil.copyfile(migrated_sqlite_file, file)
    with Service(f"sqlite:///{file}") as service:
        yield service


@pytest.fixture
def service(sqlite_store_url: str) -> Iterator[Service]:
    """A service with a store of its own."""
    with Service(sqlite_store_url) as service:
        yield service


@pytest.fixture
def author(sqlite_store_url: str) -> Author:
    """Somebody who publishes and activates rule sets in the store of `service`."""
    return Author(sqlite_store_url)


@pytest.fixture
def outage(service: Service, sqlite_store_url: str) -> Outage:
    """An outage of the store of `service`, to begin and to end."""
    return Outage(service, sqlite_store_url)
