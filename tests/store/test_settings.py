"""Settings are read whole or refused with every fault by name, and no secret is repeated."""

import pytest
from pydantic import ValidationError

from app.errors import InvalidSettingsError
from app.settings import derive_driver_url, read_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "HOST", "PORT", "POLL_S", "AUTH", "BODY_LIMIT_BYTES", "DRAIN_S", "STORE_TIMEOUT_S"):
        monkeypatch.delenv(f"JOINT_RISK_{name}", raising=False)


def test_without_any_setting_the_service_is_embedded_local_and_locked() -> None:
    settings = read_settings()
    assert settings.model_dump() == {
        "database_url": "sqlite:///joint-risk.db",
        "host": "127.0.0.1",
        "port": 8000,
        "poll_s": 5.0,
        "auth": "keys",
        "auth_off_scopes": "score",
        "keys_max_age": "24h",
        "body_limit_bytes": 1_048_576,
        "drain_s": 5.0,
        "store_timeout_s": 2.0,
    }


def test_what_is_passed_wins_over_the_environment_and_none_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOINT_RISK_PORT", "9000")
    monkeypatch.setenv("JOINT_RISK_HOST", "0.0.0.0")
    settings = read_settings(port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "0.0.0.0")


def test_every_fault_is_named_at_once_and_no_value_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOINT_RISK_PORT", "70000")
    monkeypatch.setenv("JOINT_RISK_AUTH", "open-sesame")
    monkeypatch.setenv("JOINT_RISK_POLL_S", "nan")
    monkeypatch.setenv("JOINT_RISK_DATABASE_URL", "mysql://root:hunter2@db/rules")
    with pytest.raises(InvalidSettingsError) as refused:
        read_settings(colour="blue")
    faults = refused.value.faults
    assert {fault.pointer for fault in faults} == {
        "/JOINT_RISK_PORT",
        "/JOINT_RISK_AUTH",
        "/JOINT_RISK_POLL_S",
        "/JOINT_RISK_DATABASE_URL",
        "/JOINT_RISK_COLOUR",
    }
    told = repr(faults) + str(refused.value)
    assert not [value for value in ("70000", "open-sesame", "hunter2", "blue") if value in told]


def test_a_service_link_of_kubernetes_is_not_taken_for_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOINT_RISK_PORT", "tcp://10.96.0.17:80")
    assert read_settings().port == 8000


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_the_driver_that_comes_along(scheme: str) -> None:
    settings = read_settings(database_url=f"{scheme}://ann:secret@db.example:6432/rules?sslmode=require")
    assert settings.database_url == "postgresql+psycopg://ann:secret@db.example:6432/rules?sslmode=require"
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)


@pytest.mark.parametrize(
    "address", ["", "joint-risk.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "postgresql+asyncpg://db/x"]
)
def test_a_database_that_cannot_serve_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must"):
        derive_driver_url(address)


def test_settings_do_not_change_once_they_are_read() -> None:
    with pytest.raises(ValidationError):
        read_settings().__setattr__("port", 1)
