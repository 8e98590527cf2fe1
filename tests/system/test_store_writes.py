"""Whatever keeps the store from being written: writers are told so, scores go on, and nothing acknowledged is lost."""

import json
import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import httpx
import psycopg
import pytest

from app.database import connect_engine, migrate
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.rule_sets.ledgers import Publication, RuleSetLedgers
from tests.api.keyring import Key, Keyring
from tests.postgresql import PostgresqlServer, own_postgresql
from tests.system.load import Load
from tests.system.running import Server, Starter, wait_until

QUICK = {"poll_s": "0.2", "store_timeout_s": "0.5"}
CALLS = 40
"""Scores that have to be answered while something is wrong, and after it is mended."""
CLUSTER_DISK_MIB = 96
SPARE = "2026.2"


class Author:
    """Somebody who may do everything, and remembers what was acknowledged."""

    def __init__(self, server: Server, key: Key) -> None:
        self._url, self.header = server.url, key.header
        self._count = 0
        self.drafts: dict[str, str] = {}
        self.sequences: list[int] = []
        self.versions: list[str] = []

    def ask(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        headers = {**self.header, "Content-Type": "application/json"}
        return httpx.request(method, self._url + path, headers=headers, content=content, timeout=60)

    def write(self) -> httpx.Response:
        """A draft under a new name."""
        self._count += 1
        # As large as rule sets are, so that a page that happens to be free is not enough for it.
        document: Any = {"texts": {"notice": f"{self._count}: " + os.urandom(40_000).hex()}}
        name = f"draft-{self._count}"
        answer = self.ask("PUT", f"/v1/rule-set-drafts/{name}", json.dumps(document).encode())
        if answer.status_code in (200, 201):
            self.drafts[name] = answer.json()["etag"]
        return answer

    def activate(self) -> httpx.Response:
        """Of two versions the one that is not in force."""
        version = "2026.1" if len(self.sequences) % 2 else SPARE
        answer = self.ask("POST", f"/v1/rule-sets/{version}:activate", b'{"reason": "For this test."}')
        if answer.status_code == 201:
            self.sequences.append(answer.json()["sequence"])
        return answer

    def save_whole(self, version: str) -> httpx.Response:
        """A draft of its own that keeps every promise, to be published as this version."""
        told: Any = published_document("2026.1")
        told["factors"][0]["limits"] += f" This is {version}."
        answer = self.ask("PUT", f"/v1/rule-set-drafts/{_draft_of(version)}", json.dumps(told).encode())
        if answer.status_code == 201:
            self.drafts[_draft_of(version)] = answer.json()["etag"]
        return answer

    def publish(self, version: str) -> httpx.Response:
        body = json.dumps({"version": version, "reason": "For this test."}).encode()
        answer = self.ask("POST", f"/v1/rule-set-drafts/{_draft_of(version)}:publish", body)
        if answer.status_code == 201:
            self.versions.append(version)
        return answer

    def ensure_nothing_is_lost(self) -> None:
        """Fails unless everything that was acknowledged is there, and the ledger has no gap."""
        for name, etag in self.drafts.items():
            found = self.ask("GET", f"/v1/rule-set-drafts/{name}")
            assert (found.status_code, found.headers["ETag"]) == (200, f'"{etag}"')
        for version in self.versions:
            assert self.ask("GET", f"/v1/rule-sets/{version}").status_code == 200
        ledger = [row["sequence"] for row in self.ask("GET", "/v1/rule-sets/activations?limit=100").json()["items"]]
        assert ledger == sorted(range(1, len(ledger) + 1), reverse=True)
        assert set(self.sequences) <= set(ledger)


def author_of(server: Server, url: str) -> Author:
    """An author with a key, and a second version to put in force."""
    engine = connect_engine(url)
    try:
        told: Any = published_document("2026.1")
        told["texts"]["notice"] = "Rules for this test."
        canonical = canonical_bytes(told)
        RuleSetLedgers(engine).publish(Publication(SPARE, digest_of(canonical), canonical, "bob", ("ann",), "Test."))
    finally:
        engine.dispose()
    key = Keyring(url).make("score", "rules:read", "rules:write", "rules:publish", "rules:activate")
    author = Author(server, key)
    wait_until(lambda: author.ask("GET", "/v1/rule-set-drafts").status_code == 200)
    return author


def _draft_of(version: str) -> str:
    return f"whole-{version.replace('.', '-')}"


def ensure_writers_are_told(
    server: Server,
    author: Author,
    *,
    begin: Callable[[], object],
    end: Callable[[], object],
    small_writes: Literal["refused", "may fit"] = "refused",
) -> None:
    """Keeps the store from being written, and lets it again, under load: every kind of write before, in and after."""
    assert author.write().status_code == 201
    assert author.activate().status_code == 201
    assert author.save_whole("2027.1").status_code == 201
    with Load([server.url], headers=author.header) as load:
        begin()
        try:
            tried = (author.write(), author.activate(), author.publish("2027.1"))
            assert tried[0].status_code == 503, tried[0].text[:500]
            for answer in tried:
                if small_writes == "may fit" and answer.status_code == 201:
                    continue  # it is acknowledged, and looked for below
                assert answer.status_code == 503, answer.text[:500]
                assert answer.json()["type"] == "urn:joint-risk:problem:store-away"
                assert answer.headers["Retry-After"]
            load.wait_for(CALLS)
        finally:
            end()
        wait_until(lambda: author.write().status_code == 201)
        assert author.activate().status_code == 201
        assert author.publish("2027.1").status_code in (200, 201)
        load.wait_for(CALLS)
    load.ensure_nothing_failed()
    author.ensure_nothing_is_lost()
    assert [line for line in server.log_lines() if line["level"] == "error"] == []


def test_a_postgresql_that_may_only_be_read(start: Starter, postgresql_server: PostgresqlServer) -> None:
    with postgresql_server.database() as url:
        migrate(url)

        def set_read_only(choice: str) -> None:
            options = "-c default_transaction_read_only=off"
            with psycopg.connect(url, autocommit=True, options=options) as connection:
                name = connection.info.dbname
                connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {choice}')
                # As a server that was made a replica does: who was connected has to connect again.
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
                )

        server = start(database_url=url, **QUICK)
        author = author_of(server, url)
        ensure_writers_are_told(server, author, begin=lambda: set_read_only("on"), end=lambda: set_read_only("off"))


def test_a_sqlite_file_that_another_process_keeps_to_itself(start: Starter, sqlite_store_url: str) -> None:
    server = start(database_url=sqlite_store_url, **QUICK)
    author = author_of(server, sqlite_store_url)
    file = sqlite_store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        ensure_writers_are_told(
            server, author, begin=lambda: other.execute("BEGIN IMMEDIATE"), end=lambda: other.execute("ROLLBACK")
        )


@contextmanager
def disk(*, mib: int) -> Iterator[Path]:
    """A small disk, in a place that the user of a database server can pass through to."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    place = Path(tempfile.mkdtemp(prefix="joint-risk-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0755", "tmpfs", str(place)]
    try:
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            pytest.skip("this machine lets nobody mount a disk")
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)
    finally:
        place.rmdir()


def fill_up(file: Path) -> None:
    """Writes until there is no room left."""
    with file.open("ab", buffering=0) as filling, suppress(OSError):
        while filling.write(b"0" * 4_096):
            pass


def test_a_sqlite_file_on_a_full_disk(start: Starter) -> None:
    with disk(mib=8) as small:
        url = f"sqlite:///{small / 'store.db'}"
        migrate(url)
        server = start(database_url=url, **QUICK)
        author = author_of(server, url)
        filling = small / "filling"
        ensure_writers_are_told(server, author, begin=lambda: fill_up(filling), end=filling.unlink)
        assert server.end() == 0  # it holds files on the disk


def test_a_postgresql_on_a_full_disk(start: Starter) -> None:
    with disk(mib=CLUSTER_DISK_MIB) as small:
        cluster = small / "cluster"
        cluster.mkdir()
        with own_postgresql(cluster=cluster) as postgresql:
            migrate(postgresql.url)
            server = start(database_url=postgresql.url, **QUICK)
            author = author_of(server, postgresql.url)
            filling = small / "filling"
            # A row that fits into a page which the server has already is written, full disk or not.
            ensure_writers_are_told(
                server, author, begin=lambda: fill_up(filling), end=filling.unlink, small_writes="may fit"
            )
            assert server.end() == 0
