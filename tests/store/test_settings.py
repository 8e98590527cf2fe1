"""Settings are read whole or refused with every fault by name, and no secret is repeated."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.errors import InvalidSettingsError
from app.settings import Settings, derive_driver_url, read_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"JOINT_RISK_{name.upper()}", raising=False)
    monkeypatch.setenv("JOINT_RISK_SECRETS_DIR", "no-such-folder")


def test_without_any_setting_the_service_is_embedded_local_and_locked() -> None:
    settings = read_settings()
    assert settings.model_dump() == {
        "database_url": "sqlite:///joint-risk.db",
        "host": "127.0.0.1",
        "port": 8000,
        "management_port": None,
        "poll_s": 5.0,
        "second_person": False,
        "auth": "keys",
        "auth_off_scopes": "score",
        "keys_max_age": "24h",
        "bundle": None,
        "keys_file": None,
        "key": None,
        "rate_limit_per_minute": 600_000,
        "wrong_keys_per_minute": 20,
        "body_limit_bytes": 1_048_576,
        "head_limit_bytes": 32_768,
        "concurrent_calls": 64,
        "head_timeout_s": 10.0,
        "body_timeout_s": 20.0,
        "call_timeout_s": 90.0,
        "stream_idle_s": 60.0,
        "stream_memory_bytes": 134_217_728,
        "drain_s": 5.0,
        "store_timeout_s": 2.0,
        "log_format": "json",
        "log_level": "info",
        "otlp_endpoint": None,
        "trace_share": 1.0,
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


def test_a_variable_that_sets_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOINT_RISK_POL_S", "3")
    monkeypatch.setenv("JOINT_RISK_PORT", "none")
    with pytest.raises(InvalidSettingsError) as refused:
        read_settings()
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/JOINT_RISK_POL_S", "unknown-setting"),
        ("/JOINT_RISK_PORT", "int-parsing"),
    ]


def test_a_secret_that_cannot_be_read_is_named_beside_the_other_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "joint_risk_database_url").write_bytes(b"postgresql://\xff")
    (tmp_path / "joint_risk_key").mkdir()
    monkeypatch.setenv("JOINT_RISK_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("JOINT_RISK_PORT", "high")
    with pytest.raises(InvalidSettingsError) as refused:
        read_settings()
    assert {(fault.pointer, fault.code) for fault in refused.value.faults} == {
        ("/JOINT_RISK_DATABASE_URL", "unreadable"),
        ("/JOINT_RISK_KEY", "unreadable"),
        ("/JOINT_RISK_PORT", "int-parsing"),
    }


def test_a_secret_may_come_from_a_file_and_a_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "joint_risk_database_url").write_text("postgresql://ann:secret@db.example/rules", encoding="utf-8")
    monkeypatch.setenv("JOINT_RISK_SECRETS_DIR", str(tmp_path))
    assert read_settings().database_url == "postgresql+psycopg://ann:secret@db.example/rules"
    monkeypatch.setenv("JOINT_RISK_DATABASE_URL", "sqlite:///other.db")
    assert read_settings().database_url == "sqlite:///other.db"


def test_service_links_of_kubernetes_set_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOINT_RISK_PORT", "JOINT_RISK_MANAGEMENT_PORT", "JOINT_RISK_PORT_80_TCP"):
        monkeypatch.setenv(name, "tcp://10.96.0.17:80")
    monkeypatch.setenv("JOINT_RISK_MANAGEMENT_SERVICE_HOST", "10.96.0.17")
    monkeypatch.setenv("JOINT_RISK_SERVICE_PORT_HTTP", "80")
    monkeypatch.setenv("JOINT_RISK_PORT_80_TCP_ADDR", "10.96.0.17")
    settings = read_settings()
    assert (settings.port, settings.management_port) == (8000, None)


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
