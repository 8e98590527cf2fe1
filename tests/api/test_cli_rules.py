"""Rule sets on the command line: an author's bad document, an operator at night, one store to the next."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from tests.api.command_line import Ending, in_one_line, run
from tests.api.service import Author, Service

# A command asks the machine's clock, so what is to come is counted from now.
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
SOON, LATER = NOW + timedelta(days=20), NOW + timedelta(days=30)
LATER_IN_BERLIN = LATER.astimezone(timezone(timedelta(hours=1))).isoformat()
LATER_SAID = f"{LATER:%Y-%m-%d %H:%M:%S} UTC"


@pytest.fixture
def store(sqlite_store_url: str) -> str:
    return sqlite_store_url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "rules.yaml", notice="Rules for this test.")


def write(path: Path, *, notice: str, **damage: Any) -> Path:
    document: dict[str, Any] = published_document("2026.1")
    document["texts"]["notice"] = notice
    document.update(damage)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def done(ending: Ending) -> str:
    assert ending.code == 0, ending.err
    return ending.out


def publish(file: Path, version: str, store: str, *more: str) -> Ending:
    return run("rules", "publish", str(file), "--version", version, "--reason", "evidence", *more, store=store)


def test_an_author_checks_publishes_and_sees_it_listed(file: Path, store: str) -> None:
    assert run("rules", "check", str(file), store=store).code == 0
    told = done(publish(file, "2026.2", store, "--by", "ann"))
    assert told.startswith("2026.2 is published, sha256:")
    assert "rules activate 2026.2" in told
    assert "published already, with this very document" in done(publish(file, "2026.2", store))
    assert "2026.2 sha256:" in in_one_line(done(run("rules", "list", store=store)))
    with Service(store) as service:
        assert service.get("/v1/rule-sets/active").json()["version"] == "2026.1"


def test_a_bad_document_is_told_with_every_place_and_is_not_published(tmp_path: Path, store: str) -> None:
    bad = write(tmp_path / "bad.yaml", notice="Bad.", levels={"cuts": []})
    checked = run("rules", "check", str(bad), store=store)
    assert checked.code == 3
    assert "error at /levels" in checked.out
    found = json.loads(run("rules", "check", str(bad), "--json", store=store).out)
    assert {each["severity"] for each in found} == {"error"}
    refused = publish(bad, "2026.2", store)
    assert refused.code == 3
    assert "/levels" in refused.err
    assert "2026.2" not in run("rules", "list", store=store).out

    unreadable = tmp_path / "unreadable.yaml"
    unreadable.write_text("factors: [\n", encoding="utf-8")
    assert run("rules", "check", str(unreadable), store=store).code == 3
    assert run("rules", "check", str(tmp_path / "gone.yaml"), store=store).code == 6


def test_what_is_taken_is_told_with_an_ending_of_its_own(file: Path, tmp_path: Path, store: str) -> None:
    done(publish(file, "2026.2", store))
    same_document = publish(file, "2026.3", store)
    assert (same_document.code, "as version 2026.2" in same_document.err) == (14, True)
    other = write(tmp_path / "other.yaml", notice="Another.")
    same_version = publish(other, "2026.2", store)
    assert (same_version.code, "2026.2 is published already" in same_version.err) == (14, True)
    assert publish(other, "2026.02", store).code == 3
    assert run("rules", "publish", str(other), store=store).code == 2


def test_an_operator_activates_schedules_cancels_rolls_back_and_reads_the_history(store: str, author: Author) -> None:
    author.publish("2026.2")
    author.publish("2026.3")

    def activate(version: str, *more: str) -> Ending:
        return run("rules", "activate", version, "--reason", "night shift", "--by", "cleo", *more, store=store)

    assert "2026.2 is in force from now on (activation 2)" in done(activate("2026.2"))
    assert f"from {LATER_SAID} on" in done(
        activate("2026.3", "--at", LATER.astimezone(timezone(timedelta(hours=1))).isoformat())
    )
    outranking = activate("2026.1", "--at", SOON.isoformat())
    assert "activation 3 (2026.3" in outranking.err
    assert "will not take effect" in outranking.err
    history = done(run("rules", "history", store=store))
    assert [word for word in ("outranked", "scheduled", "in force", "cleo", "night") if word not in history] == []
    assert "night shift" in history, "80 columns are enough for words"
    done(run("rules", "cancel", "4", "--reason", "no", store=store))
    kept = done(activate("2026.1", "--keep-scheduled"))
    assert f"2026.3 still takes effect at {LATER_SAID} (now activation 7)" in kept
    rolled_back = done(activate("2026.2"))
    assert "Activation 7, which was scheduled, is cancelled." in rolled_back
    assert activate("2026.2").code == 14
    assert activate("2031.1").code == 7
    assert activate("2026.1", "--at", "tomorrow").code == 2
    assert activate("2026.1", "--at", "2026-12-24T03:00").code == 2
    assert activate("2026.1", "--at", "2020-01-01T00:00Z").code == 3
    assert run("rules", "cancel", "99", "--reason", "no", store=store).code == 7
    assert run("rules", "cancel", "1", "--reason", "no", store=store).code == 14
    assert "2026.1" in done(run("rules", "history", "--at", "2026-06-01T00:00Z", store=store))


def test_a_withdrawn_version_is_never_activated(store: str, author: Author) -> None:
    author.publish("2026.2")
    done(run("rules", "withdraw", "2026.2", "--reason", "a wrong number", store=store))
    assert "2026.2 withdrawn" in done(run("rules", "history", store=store))
    assert "2026.2 withdrawn" in in_one_line(done(run("rules", "list", store=store)))
    refused = run("rules", "activate", "2026.2", "--reason", "why not", store=store)
    assert (refused.code, "was withdrawn" in refused.err) == (14, True)
    assert run("rules", "withdraw", "2026.1", "--reason", "no", store=store).code == 14


@pytest.fixture
def other_store(migrated_sqlite_file: Path, tmp_path: Path) -> str:
    copy = tmp_path / "other.db"
    copy.write_bytes(migrated_sqlite_file.read_bytes())
    return f"sqlite:///{copy}"


def test_a_version_goes_to_another_store_under_its_name_and_digest(
    store: str, other_store: str, author: Author, tmp_path: Path
) -> None:
    author.publish("2026.2")
    with Service(store) as service:
        over_http = service.get("/v1/rule-sets/2026.2").content
    exported = run("rules", "export", "2026.2", store=store)
    assert json.loads(done(exported)) == json.loads(over_http)
    for number, written in enumerate((exported.out.encode(), over_http)):
        path = tmp_path / f"{number}.json"
        path.write_bytes(written)
        told = done(run("rules", "import", str(path), "--by", "bob", store=other_store))
        assert ("is published already" in told) == bool(number)
    assert (
        json.loads(done(run("rules", "export", "2026.2", store=other_store)))["digest"]
        == json.loads(over_http)["digest"]
    )

    changed = json.loads(over_http)
    changed["document"]["texts"]["notice"] = "Mine."
    (tmp_path / "changed.json").write_text(json.dumps(changed), encoding="utf-8")
    assert run("rules", "import", str(tmp_path / "changed.json"), store=other_store).code == 3
    changed["digest"] = digest_of(canonical_bytes(changed["document"]))
    (tmp_path / "changed.json").write_text(json.dumps(changed), encoding="utf-8")
    assert run("rules", "import", str(tmp_path / "changed.json"), store=other_store).code == 14
    assert run("rules", "import", "-", store=other_store, stdin=b"[]").code == 3
    assert run("rules", "export", store=store).code == 2


def test_what_ships_is_published_by_an_operator_and_only_once(store: str) -> None:
    assert "published already" in done(run("rules", "publish", "--shipped", store=store))
    assert run("rules", "publish", "x.yaml", "--shipped", store=store).code == 2


def test_who_wrote_it_does_not_publish_it_where_a_second_person_is_needed(file: Path, store: str) -> None:
    strict = {"JOINT_RISK_SECOND_PERSON": "true"}
    words = ["rules", "publish", str(file), "--version", "2026.2", "--reason", "evidence", "--by", "ann"]
    assert run(*words, store=store, env=strict).code == 14
    assert run(*words, "--author", "bob", store=store, env=strict).code == 0
    activate = ["rules", "activate", "2026.2", "--reason", "reviewed", "--by"]
    assert run(*activate, "bob", store=store, env=strict).code == 14
    assert run(*activate, "cleo", store=store, env=strict).code == 0
