"""What may happen to the process itself: a worker killed, a log that nobody reads, a disk that is full, an upgrade."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from app.database import connect_engine, migrate, schema_state
from tests.postgresql import PostgresqlServer
from tests.system.load import Load
from tests.system.running import END_MOST_S, JSON, REQUEST, ROOT, Server, Starter, wait_until


def workers_of(server: Server) -> list[int]:
    """The processes that answer calls, of a service with several."""
    task = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    children = [int(child) for child in task.read_text(encoding="ascii").split()]
    # multiprocessing has a process of its own that watches over what they share
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_a_worker_that_is_killed_is_replaced_and_only_its_calls_in_hand_are_lost(start: Starter) -> None:
    server = start("--workers", "2")
    wait_until(server.is_ready)
    wait_until(lambda: len(workers_of(server)) == 2)
    callers = 4

    with Load([server.url], callers=callers) as load:
        load.wait_for(50)
        killed = workers_of(server)[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(workers_of(server)) == 2 and killed not in workers_of(server))
        load.wait_for(200)

    # A call that was in hand, or on its way over a connection of the one that is gone, is all that a caller can lose.
    assert load.answers[0] <= callers
    assert set(load.answers) <= {200, 0}
    assert server.process.poll() is None


def test_workers_end_and_leave_the_port_when_their_supervisor_is_killed(start: Starter) -> None:
    server = start("--workers", "2")
    wait_until(server.is_ready)
    wait_until(lambda: len(workers_of(server)) == 2)
    workers = workers_of(server)

    server.process.kill()
    server.process.wait()

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), most_s=END_MOST_S)
    with socket.socket() as anew:
        anew.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        anew.bind(server.address)
    assert "is gone, so it ends" in server.log()


def test_a_log_that_nobody_reads_stops_no_score(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    environment = {**os.environ, "JOINT_RISK_DATABASE_URL": f"sqlite:///{tmp_path / 'store.db'}"}
    command = [sys.executable, "-m", "app.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=writing,
        text=True,
    ) as process:
        try:
            os.close(writing)
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            # A line is about 250 bytes and a pipe holds 64 KiB: this is several times as much.
            with httpx.Client(base_url=url) as client:
                answers = [client.post("/v1/scores?detail=scores", content=REQUEST, headers=JSON) for _ in range(1_000)]
            assert {answer.status_code for answer in answers} == {200}
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
            os.close(reading)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two mebibytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill_up(file: Path) -> None:
    """Writes until there is no room left."""
    with file.open("wb", buffering=0) as filling, suppress(OSError):
        while filling.write(b"0" * 4_096):
            pass


def test_a_sqlite_file_on_a_full_disk_stops_no_score(start: Starter, small_disk: Path) -> None:
    store = f"sqlite:///{small_disk / 'store.db'}"
    server = start(database_url=store, poll_s="0.2")
    filling = small_disk / "filling"
    with Load([server.url]) as load:
        fill_up(filling)
        refused = subprocess.run(
            [sys.executable, "-m", "app.cli", "keys", "create", "--name", "one-more", "--scope", "score"],
            cwd=ROOT, env={**os.environ, "JOINT_RISK_DATABASE_URL": store}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        load.wait_for(40)
        filling.unlink()
        load.wait_for(40)
    load.ensure_nothing_failed()
    assert refused.returncode == 5, refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_upgrade_over_one_schema_version_loses_no_call(start: Starter, postgresql_server: PostgresqlServer) -> None:
    with postgresql_server.database() as url:
        migrate(url)
        old = start(database_url=url, poll_s="0.2", drain_s="1")
        with Load([old.url]) as load:
            # What a later release's migration does first: it adds, and nothing that this release reads changes.
            engine = connect_engine(url)
            with engine.begin() as connection:
                last = int(connection.scalar(text("SELECT version_num FROM alembic_version")) or 0)
                connection.execute(text("ALTER TABLE rule_set_draft ADD COLUMN reviewed_by TEXT"))
                connection.execute(text(f"UPDATE alembic_version SET version_num = '{last + 1:04}'"))
            assert schema_state(engine) == "current"
            engine.dispose()
            load.wait_for(20)
            new = start(database_url=url, poll_s="0.2", drain_s="1")
            assert new.is_ready()
            load.urls = [new.url]  # the load balancer's part, once the new one is ready
            load.wait_for(20)
            assert old.end() == 0
            load.wait_for(20)
        load.ensure_nothing_failed()
        assert httpx.get(f"{new.url}/readyz").json()["status"] == "ok"
