"""Which time zones there are, and their rules, is a matter of the release and not of the machine."""

import importlib.resources
import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.readers.importing import find_zone
from app.runners.time_zones import load_time_zone
from tests.house.checkout import ROOT

TROLL = "Antarctica/Troll"
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def other_machine(tmp_path: Path) -> Iterator[None]:
    """A machine that knows more zones than the wheel, and has other rules for one of them."""
    tokyo = importlib.resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    for name in (TROLL, "right/Europe/Berlin", "posix/Europe/Berlin", "localtime"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(tokyo)
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[tmp_path])
    yield
    zoneinfo.reset_tzpath(to=before)


@pytest.mark.usefixtures("other_machine")
def test_a_zone_has_the_rules_of_the_wheel_whatever_the_machine_holds() -> None:
    assert zoneinfo.ZoneInfo.no_cache(TROLL).utcoffset(NOON) == timedelta(hours=9)
    found = load_time_zone(TROLL)
    assert found is not None
    assert found.utcoffset(NOON) == timedelta(0)


@pytest.mark.usefixtures("other_machine")
@pytest.mark.parametrize("name", ["right/Europe/Berlin", "posix/Europe/Berlin", "localtime"])
def test_a_zone_that_the_machine_alone_knows_is_none(name: str) -> None:
    assert zoneinfo.ZoneInfo.no_cache(name).utcoffset(NOON) == timedelta(hours=9)
    assert load_time_zone(name) is None


def test_every_zone_of_the_wheel_is_found_under_its_name_and_loaded_once() -> None:
    names = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    assert len(names) > 500
    for name in names:
        assert str(load_time_zone(name)) == name
        assert load_time_zone(name) is find_zone(name)


def test_no_room_asks_the_machine_for_a_zone() -> None:
    asking = [path.name for path in (ROOT / "app").rglob("*.py") if re.search(r"ZoneInfo\(", path.read_text("utf-8"))]
    assert asking == ["time_zones.py"]  # its docstring, which says why
