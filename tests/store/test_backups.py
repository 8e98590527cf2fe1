"""A store that was saved as the handbook says comes back whole: rows, schema, and the refusal to change them."""

import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.database import connect_engine, schema_state
from app.rule_sets.store import RuleSetStore
from tests.postgresql import PostgresqlServer, postgresql_program
from tests.store.raw import LEDGERS, RawDatabase, open_raw


def fill(raw: RawDatabase) -> None:
    """A version, an activation, a withdrawal and a key beside what is shipped."""
    raw.publish("2026.2", digest_letter="a")
    raw.publish("2026.3", digest_letter="b")
    raw.activate(2, "2026.2")
    raw.withdraw(1, "2026.3")
    raw.make_key("jrk_abcd", hash_letter="c")


def ensure_whole(url: str, before: dict[str, list[tuple[object, ...]]]) -> None:
    """The same rows, a schema that this release works on, and ledgers that still only grow."""
    with open_raw(url) as raw:
        assert raw.everything() == before
        assert raw.slipped([f"DELETE FROM {table}" for table in LEDGERS]) == []
        raw.activate(3, "2026.1")
    engine = connect_engine(url)
    assert schema_state(engine) == "current"
    assert RuleSetStore(engine).last_sequence() == 3
    engine.dispose()


def test_a_sqlite_file_saved_while_it_is_written_to_comes_back(sqlite_store_url: str, tmp_path: Path) -> None:
    saved, restored = tmp_path / "saved.db", tmp_path / "restored.db"
    with open_raw(sqlite_store_url) as raw:
        fill(raw)
        before = raw.everything()
        # What the handbook says, in another connection than the one that writes.
        source = sqlite3.connect(make_url(sqlite_store_url).database or "")
        target = sqlite3.connect(saved)
        source.backup(target)
        source.close()
        target.close()
        raw.activate(3, "2026.2")  # after it was saved

    shutil.copyfile(saved, restored)
    ensure_whole(f"sqlite:///{restored}", before)


def test_a_postgresql_database_dumped_comes_back_in_another(
    migrated_postgresql_url: str, postgresql_server: PostgresqlServer, tmp_path: Path
) -> None:
    dump = tmp_path / "joint-risk.dump"
    with postgresql_server.database(template=migrated_postgresql_url) as url, postgresql_server.database() as new_url:
        with open_raw(url) as raw:
            fill(raw)
            before = raw.everything()
        there, here = (
            make_url(each).set(drivername="postgresql").render_as_string(hide_password=False) for each in (url, new_url)
        )
        save = ["pg_dump", "--format", "custom", "--file", str(dump), there]
        restore = ["pg_restore", "--dbname", here, "--single-transaction", str(dump)]
        for program, *options in (save, restore):
            done = subprocess.run([postgresql_program(program), *options], capture_output=True, text=True, check=False)
            if "server version mismatch" in done.stderr:
                pytest.skip("the server that TEST_DATABASE_URL names is not of the version of our programs")
            assert done.returncode == 0, done.stderr

        ensure_whole(new_url, before)
