"""Jobs for a workshop, good and bad ones; they stand in a module of their own because a new process imports them."""

import io
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

from app.errors import Fault, InvalidRuleSetError, UnknownRuleSetError


def add(one: int, other: int) -> int:
    return one + other


def shout(text: bytes) -> bytes:
    return text.upper()


def sleep_until(file: str) -> int:
    """Waits for a file, as long as it takes."""
    while not Path(file).exists():
        time.sleep(0.01)
    return os.getpid()


def sleep_for_ever() -> None:
    while True:
        time.sleep(1)


def hoard(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


def hoard_in_small_pieces() -> int:
    pieces = []
    while True:
        pieces.append(bytes(1000))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(secret: str) -> None:
    raise ValueError(f"what it read was {secret}")


def refuse() -> None:
    raise InvalidRuleSetError([Fault("/factors/0", "missing", "This member is missing."), Fault("", "gap", "A gap.")])


def know_nothing(version: str) -> None:
    raise UnknownRuleSetError(version)


def count(chunks: Iterator[bytes], first: int) -> int:
    return first + sum(len(chunk) for chunk in chunks)


def count_one(chunks: Iterator[bytes]) -> int:
    return len(next(chunks))


def show_environment() -> list[str]:
    return sorted(os.environ)


def show_niceness() -> int:
    return os.nice(0)


def print_something() -> None:
    sys.stdout.write("out loud\n")
    sys.stderr.write("and on the other side\n")
    sys.stdout.flush()


_TRESPASSES: dict[str, Callable[[], object]] = {
    "socket": lambda: socket.create_connection(("127.0.0.1", 1)),
    "name": lambda: socket.getaddrinfo("localhost", 1),
    "database": lambda: sqlite3.connect(":memory:"),
    "process": lambda: subprocess.run(["true"], check=True),
    "fork": os.fork,
    "file": lambda: Path(f"errand-{os.getpid()}.txt").write_text("a runner's secret", encoding="utf-8"),
    "environment": lambda: Path("/proc/self/environ").read_bytes(),
    "secret": lambda: Path("/run/secrets/joint_risk_database_url").read_bytes(),
}


def look_into(file: str) -> str:
    """What becomes of reading a file: `read`, or the name of the error; whichever way it is opened."""
    told = set()
    for read in (lambda: Path(file).read_bytes(), lambda: io.FileIO(Path(file)).close(), lambda: _open_low(file)):
        try:
            read()
        except OSError as refused:
            told.add(type(refused).__name__)
        else:
            told.add("read")
    return " and ".join(sorted(told))


def _open_low(file: str) -> None:
    os.close(os.open(os.fsencode(file), os.O_RDONLY))


def come_late() -> list[str]:
    """Imports what nobody has so far, of Python and of a package, and asks for a time zone."""
    names = ["tabnanny", "geographiclib.polygonarea"]
    assert not set(names) & set(sys.modules)
    offset = ZoneInfo("Pacific/Apia").utcoffset(datetime(2026, 11, 23))  # noqa: DTZ001 - the zone is asked, not told
    return [*(import_module(name).__name__ for name in names), str(offset)]


def trespass(kind: str) -> str:
    try:
        _TRESPASSES[kind]()
    except OSError as refused:
        return type(refused).__name__
    return "done"
