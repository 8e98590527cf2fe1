"""A service without any store: it scores from one file, lets callers in by another, and changes no rules."""

import json
from pathlib import Path

import httpx
import pytest

from tests.api.command_line import run
from tests.api.keyring import Keyring
from tests.api.service import Author
from tests.system.running import JSON, REQUEST, Server, Starter, wait_until

NOBODY_THERE = "postgresql://127.0.0.1:9/rules"


@pytest.fixture
def files(sqlite_store_url: str, tmp_path: Path) -> tuple[Path, Path, Keyring]:
    """A bundle of two versions, a file with no keys yet, and whoever makes them."""
    Author(sqlite_store_url).publish("2026.2")
    bundle, keys = tmp_path / "rules.json", tmp_path / "keys.json"
    exported = run("rules", "export", "2026.2", "--bundle", str(bundle), store=sqlite_store_url)
    assert exported.code == 0, exported.err
    return bundle, keys, Keyring(sqlite_store_url)


def export_keys(file: Path, store: str) -> None:
    exported = run("keys", "export", str(file), store=store)
    assert exported.code == 0, exported.err


def score(server: Server, path: str = "/v1/scores", **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}{path}", content=REQUEST, headers={**JSON, **headers}, trust_env=False)


def test_it_scores_as_the_store_does_and_a_key_revoked_in_the_file_stops(
    start: Starter, files: tuple[Path, Path, Keyring], sqlite_store_url: str
) -> None:
    bundle, keys, ring = files
    with_store = start(database_url=sqlite_store_url)
    answers = {path: score(with_store, path).json() for path in ("/v1/scores", "/v1/scores?rule_set=2026.2")}
    with_store.end()
    key, other = ring.make("score"), ring.make("score", "rules:read", "rules:publish")
    export_keys(keys, sqlite_store_url)

    server = start("--bundle", str(bundle), database_url=NOBODY_THERE, keys_file=str(keys), poll_s="0.2")
    # A name that points here, and a proxy that says so: with keys nobody minds.
    met = {"Host": "risk.example", "X-Forwarded-For": "203.0.113.9"}
    for path, answer in answers.items():
        assert score(server, path, **key.header, **met).json() == answer
    assert score(server).status_code == 401
    assert score(server, "/v1/scores?rule_set=2026.3", **key.header).status_code == 404
    readiness = httpx.get(f"{server.url}/readyz").json()
    assert (readiness["status"], readiness["store"]) == ("ok", "bundle")
    listed = httpx.get(f"{server.url}/v1/rule-sets", headers=other.header).json()
    assert [(entry["version"], entry["active"]) for entry in listed["items"]] == [("2026.2", False), ("2026.1", True)]
    assert httpx.get(f"{server.url}/v1/rule-sets", headers=key.header).status_code == 403

    ring.revoke(key)
    export_keys(keys, sqlite_store_url)
    wait_until(lambda: score(server, **key.header).status_code == 401)
    keys.write_text("half a fi")  # goes on by what it has
    assert score(server, **key.header).status_code == 401
    assert httpx.get(f"{server.url}/v1/rule-sets", headers=other.header).status_code == 200
    assert server.end() == 0
    assert not list(bundle.parent.glob("*.db-journal"))
    assert key.text not in server.log()
    assert key.prefix in server.log()


def test_it_starts_by_settings_alone_and_without_keys_serves_this_machine(
    start: Starter, files: tuple[Path, Path, Keyring]
) -> None:
    server = start(bundle=str(files[0]), database_url=NOBODY_THERE)

    assert score(server).status_code == 200
    assert score(server, Host="risk.example").status_code == 421


def test_it_does_not_start_with_what_it_cannot_serve(
    files: tuple[Path, Path, Keyring], sqlite_store_url: str, tmp_path: Path
) -> None:
    bundle, keys, _ = files
    export_keys(keys, sqlite_store_url)  # of nobody
    serve = ["serve", "--port", "0", "--bundle"]
    nowhere = run(*serve, str(tmp_path / "nowhere.json"), store=NOBODY_THERE)
    assert (nowhere.code, "nowhere.json" in nowhere.err) == (6, True)
    open_to_all = run(
        *serve, str(bundle), "--host", "0.0.0.0", store=NOBODY_THERE, env={"JOINT_RISK_KEYS_FILE": str(keys)}
    )
    assert (open_to_all.code, "joint-risk keys create" in open_to_all.err) == (8, True)
    alone = run("serve", store=sqlite_store_url, env={"JOINT_RISK_KEYS_FILE": str(keys)})
    assert (alone.code, "JOINT_RISK_BUNDLE" in alone.err) == (8, True)
    keys.write_text("{}")
    no_keys = run(*serve, str(bundle), store=NOBODY_THERE, env={"JOINT_RISK_KEYS_FILE": str(keys)})
    assert (no_keys.code, "/joint_risk_keys" in no_keys.err) == (3, True)
    told = json.loads(bundle.read_bytes())
    told["versions"][0]["document"]["texts"]["notice"] = "Trust me."
    bundle.write_text(json.dumps(told))
    spoilt = run(*serve, str(bundle), store=NOBODY_THERE)
    assert spoilt.code == 3
    assert "/digest" in spoilt.err
    assert "/versions/0/digest" in spoilt.err
