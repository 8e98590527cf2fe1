"""Databases for every kind of test: new for each test, empty or migrated, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

import tests.hypothesis_profiles  # noqa: F401 - importing it registers the profiles and loads the one in force
from app.database import connect_engine, migrate

if TYPE_CHECKING:
    # Pytest imports the plugin itself, to rewrite its asserts, and minds if it was imported before.
    from tests.postgresql import PostgresqlServer

pytest_plugins = ("tests.postgresql",)

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from; nobody has it open, so it is whole without its log."""
    file = tmp_path_factory.mktemp("migrated") / "template.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgresql_url(postgresql_server: "PostgresqlServer") -> Iterator[str]:
    """A migrated PostgreSQL database to copy from."""
    with postgresql_server.database() as url:
        migrate(url)
        yield url


@pytest.fixture
def sqlite_store_url(migrated_sqlite_file: Path, tmp_path: Path) -> str:
    """The address of a migrated SQLite file: what most tests that need a store should ask for."""
    file = tmp_path / "store.db"
    shutil.copyfile(migrated_sqlite_file, file)
    return f"sqlite:///{file}"


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that nothing has touched; the test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated database; the test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_store_url")
    else:
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        with server.database(template=request.getfixturevalue("migrated_postgresql_url")) as url:
            yield url


@pytest.fixture
def store_engine(store_url: str) -> Iterator[Engine]:
    """An engine on a migrated database; the test runs on SQLite and on PostgreSQL."""
    engine = connect_engine(store_url)
    yield engine
    engine.dispose()
