"""The role that serves, made as Compose makes it on a server of its own: it does its work and nothing else."""

import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from app.database import migrate
from tests.api.keyring import Keyring
from tests.api.service import Author
from tests.postgresql import own_postgresql, postgresql_program

ROOT = Path(__file__).resolve().parents[2]


def run_as_compose(url: str, *, password: str, folder: Path) -> None:
    """Runs the statements as the container does, with the secret where this test put it."""
    secret, statements = folder / "service-password", folder / "service-role.sql"
    secret.write_text(password, encoding="ascii")
    written = (ROOT / "deploy" / "compose" / "service-role.sql").read_text(encoding="utf-8")
    assert "`cat /run/secrets/service-password`" in written
    statements.write_text(written.replace("/run/secrets/service-password", str(secret)), encoding="utf-8")
    command = [str(postgresql_program("psql")), "--no-psqlrc", "--file", str(statements), url]
    subprocess.run(command, check=True, capture_output=True)


def test_the_role_of_compose_does_the_services_work_and_nothing_else(tmp_path: Path) -> None:
    with own_postgresql() as postgresql:
        migrate(postgresql.url)
        for password in ("first", "it's-another"):
            run_as_compose(postgresql.url, password=password, folder=tmp_path)
        url = make_url(postgresql.url).set(username="joint_risk_service", password="it's-another")
        service = url.render_as_string(hide_password=False)

        key = Keyring(service).make("score")
        Keyring(service).revoke(key)
        Author(service).publish("2026.2")
        Author(service).activate(2, "2026.2")
        for refused in (
            "UPDATE rule_set_version SET published_by = 'eve'",
            "DELETE FROM rule_set_activation",
            "DELETE FROM api_key",
            "ALTER TABLE rule_set_version DISABLE TRIGGER USER",
            "CREATE TABLE planted (id int)",
            "CREATE ROLE eve SUPERUSER",
        ):
            with (
                psycopg.connect(service, autocommit=True) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(refused)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.set(password="first").render_as_string(hide_password=False))
