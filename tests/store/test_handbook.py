"""The boxes of the operator's handbook, run as they stand: install, keys, roll back, back up, restore."""

import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.api.command_line import run
from tests.house.test_docs import page
from tests.postgresql import PostgresqlServer, postgresql_program
from tests.store.raw import open_raw

BOX = re.compile(r"^ *```(sql|sh)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
EXAMPLE_PREFIX = "jrk_Ab3dEf6h"
PASSWORD = secrets.token_hex(8)


class Operator:
    """Somebody who does what the handbook says, with names, places and addresses of their own.

    Args:
        folder: where the commands are run.
        renamed: the handbook's names and places, and those that are used instead.
        addresses: what the variables of the boxes hold.
    """

    def __init__(self, folder: Path, *, renamed: dict[str, str], addresses: dict[str, str]) -> None:
        self._folder = folder
        self._renamed = renamed
        self._addresses = addresses
        self.store = ""

    def address(self, variable: str) -> str:
        """What a variable of the boxes holds."""
        return self._addresses[variable]

    def boxes(self, heading: str, *, kind: str) -> list[str]:
        """The boxes of this kind below a heading, with what is renamed."""
        below = page("docs/handbook.md").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        found = [text for language, text in BOX.findall(below) if language == kind]
        for name, instead in self._renamed.items():
            found = [text.replace(name, instead) for text in found]
        return found

    def ask(self, box: str, *, url: str) -> None:
        """Runs a box of SQL, statement by statement."""
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in filter(None, map(str.strip, box.split(";"))):
                connection.execute(statement.encode())

    def run(self, box: str) -> str:
        """Runs a box of commands; each has to do what it says."""
        said = ""
        for line in map(str.strip, box.splitlines()):
            words = shlex.split(line, comments=True)
            settings = [word for word in words[:1] if word.startswith("JOINT_RISK_DATABASE_URL=")]
            if words[len(settings)] == "joint-risk":
                store = self._addresses[settings[0].partition("=$")[2]] if settings else self.store
                ending = run(*words[len(settings) + 1 :], store=store)
                assert ending.code == 0, f"{line}\n{ending.err}"
                said += ending.out
            else:
                self._run_in_shell(line)
        return said

    def _run_in_shell(self, line: str) -> None:
        path = f"{postgresql_program('pg_dump').parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=self._folder, env={**os.environ, **self._addresses, "PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if "server version mismatch" in done.stderr:
            pytest.skip("the server that TEST_DATABASE_URL names is not of the version of our programs")
        assert done.returncode == 0, f"{line}\n{done.stderr}"


@contextmanager
def postgresql_operator(server: PostgresqlServer, folder: Path) -> Iterator[Operator]:
    """An operator of a server where nothing was made yet, and of roles and databases that are gone afterwards."""
    name = f"handbook_{secrets.token_hex(4)}"
    admin = make_url(server.admin_url)
    addresses = {
        variable: admin.set(username=f"{name}_{role}", password=PASSWORD, database=database).render_as_string(
            hide_password=False
        )
        for variable, role, database in (
            ("NEW_OWNER_URL", "owner", f"{name}_new"),
            ("OWNER_URL", "owner", name),
            ("SERVICE_URL", "service", name),
        )
    }
    # As words: `joint_risk.dump` is a file, and JOINT_RISK_ a setting.
    renamed = {"joint_risk_": f"{name}_", "DATABASE joint_risk ": f"DATABASE {name} ", "'…'": f"'{PASSWORD}'"}
    try:
        yield Operator(folder, renamed=renamed, addresses=addresses)
    finally:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            for gone in (name, f"{name}_new"):
                connection.execute(f"DROP DATABASE IF EXISTS {gone} WITH (FORCE)".encode())
            for role in ("owner", "service"):
                connection.execute(f"DROP ROLE IF EXISTS {name}_{role}".encode())


def work(operator: Operator) -> str:
    """A second version that was put in force by mistake, keys changed, rules rolled back; what the history says."""
    with open_raw(operator.store) as raw:
        raw.publish("2026.2", digest_letter="a")
        raw.activate(2, "2026.2")
    made = run("keys", "create", "--name", "older", "--scope", "score", store=operator.store).out
    (keys,) = operator.boxes("Change a key, or take it back", kind="sh")
    operator.run(keys.replace(EXAMPLE_PREFIX, made[: len(EXAMPLE_PREFIX)]))
    (rules,) = operator.boxes("Roll back rules", kind="sh")
    operator.run(rules)
    history = run("rules", "history", store=operator.store).out
    assert "2026.2 raises" in history
    return history


def test_on_postgresql_from_nothing_to_a_restored_store(postgresql_server: PostgresqlServer, tmp_path: Path) -> None:
    with postgresql_operator(postgresql_server, tmp_path) as operator:
        make_roles, give_rights = operator.boxes("Install", kind="sql")
        migrate, make_key = operator.boxes("Install", kind="sh")
        operator.ask(make_roles, url=postgresql_server.admin_url)
        operator.run(migrate)
        operator.ask(give_rights, url=operator.address("OWNER_URL"))
        operator.store = operator.address("SERVICE_URL")
        assert operator.run(make_key).startswith("jrk_")
        before = work(operator)

        _, _, _, dump, restore = operator.boxes("Back up and restore", kind="sh")
        operator.run(dump)
        owner = make_url(operator.address("OWNER_URL"))
        operator.ask(f"CREATE DATABASE {owner.database}_new OWNER {owner.username}", url=postgresql_server.admin_url)
        operator.run(restore)

        operator.store = (
            make_url(operator.store).set(database=f"{owner.database}_new").render_as_string(hide_password=False)
        )  # with the rights of the service, which came back too
        assert run("rules", "history", store=operator.store).out == before
        assert run("keys", "list", store=operator.store).out.count("revoked") == 1
        assert run("keys", "create", "--name", "new", "--scope", "score", store=operator.store).code == 0
        (back,) = operator.boxes("Roll back code", kind="sh")
        with pytest.raises(AssertionError, match="others stand on it"):
            operator.run(back)


def test_on_sqlite_a_store_is_saved_while_it_is_used_and_restored(sqlite_store_url: str, tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    data.mkdir()
    backup.mkdir()
    operator = Operator(tmp_path, renamed={"/data/": f"{data}/", "/backup/": f"{backup}/"}, addresses={})
    Path(sqlite_store_url.removeprefix("sqlite:///")).rename(data / "joint-risk.db")
    operator.store = f"sqlite:///{data / 'joint-risk.db'}"
    before = work(operator)

    with_sqlite3, with_python, restore, _, _ = operator.boxes("Back up and restore", kind="sh")
    with open_raw(operator.store) as raw:  # somebody who goes on writing
        if shutil.which("sqlite3"):
            operator.run(with_sqlite3)
        operator.run(with_python)
        raw.activate(4, "2026.2")
    (data / "backup.db").replace(backup / "joint-risk.db")
    operator.run(restore)
    assert run("rules", "history", store=operator.store).out == before
