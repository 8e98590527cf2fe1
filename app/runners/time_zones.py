"""Time zones as the `tzdata` wheel of this release holds them, and never as the machine does.

`ZoneInfo(name)` asks the machine's directory first: it would know other names there (`localtime`,
`right/Europe/Berlin`) and other rules, so that two replicas could find two local days for one run.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_bytes().decode().split())


def load_time_zone(name: str) -> ZoneInfo | None:
    """The IANA time zone of this name; None where there is none.

    >>> load_time_zone("Europe/Berlin"), load_time_zone("right/Europe/Berlin")
    (zoneinfo.ZoneInfo(key='Europe/Berlin'), None)
    """
    return _load(name) if name in _names() else None


@cache
def _load(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
