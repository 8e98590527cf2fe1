"""What the tests of the store share."""

from collections.abc import Iterator

import pytest

from tests.store.raw import RawDatabase, open_raw


@pytest.fixture
def raw(store_url: str) -> Iterator[RawDatabase]:
    """The bare driver on a migrated database, which holds 2026.1 as activation 1."""
    with open_raw(store_url) as database:
        yield database
