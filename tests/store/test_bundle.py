"""A bundle stands for the store that it was written from: the same answers, nothing touched, nothing else on offer."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from sqlalchemy import Engine

from app.database import connect_engine, schema_state
from app.errors import NoRuleSetError, StoreAwayError, UnknownRuleSetError, UnreadableFileError, UnusableFileError
from app.rule_sets.bundle import BundleStore, read_bundle, write_bundle
from app.rule_sets.documents import digest_of
from app.rule_sets.in_force import RulesInForce
from app.rule_sets.store import RuleSetStore
from tests.api.service import Author
from tests.store.raw import open_raw

NOW = datetime(2026, 12, 1, tzinfo=UTC)
Bundle = dict[str, Any]


@pytest.fixture
def history(store_url: str, store_engine: Engine) -> RuleSetStore:
    """2026.1, then .2 and now .3 in force; .10 from tomorrow on, .4 is cancelled, .5 and .2 withdrawn."""
    author = Author(store_url)
    for version in ("2026.2", "2026.3", "2026.4", "2026.5", "2026.10"):
        author.publish(version)
    author.activate(2, "2026.2")
    author.activate(3, "2026.3")
    author.activate(4, "2026.4", effective_at=NOW + timedelta(hours=1))
    author.activate(5, "2026.10", effective_at=NOW + timedelta(days=1))
    author.activate(6, None, cancels=(4,))
    with open_raw(store_url) as raw:
        raw.withdraw(1, "2026.5")
        raw.withdraw(2, "2026.2")
    return RuleSetStore(store_engine)


@pytest.fixture
def bundle(sqlite_store_url: str, tmp_path: Path) -> Bundle:
    """A bundle of one version, read as JSON, to be spoilt."""
    engine = connect_engine(sqlite_store_url)
    written = write_bundle(RuleSetStore(engine), versions=[], now=NOW)
    engine.dispose()
    told: Bundle = json.loads(written)
    return told


def read(told: object, folder: Path) -> BundleStore:
    file = folder / "rules.json"
    file.write_bytes(told if isinstance(told, bytes) else json.dumps(told).encode())
    return read_bundle(file)


def sealed(told: Bundle) -> Bundle:
    """With a digest that fits: spoilt by somebody who knows how it is made."""
    rest = {name: member for name, member in told.items() if name != "digest"}
    return {**rest, "digest": digest_of(rfc8785.dumps(rest))}


def test_a_bundle_answers_as_the_store_does_now_and_when_the_schedule_has_come(
    history: RuleSetStore, tmp_path: Path
) -> None:
    copy = read(write_bundle(history, versions=["2026.2"], now=NOW), tmp_path)

    for at in (NOW, NOW + timedelta(hours=2), NOW + timedelta(days=1), NOW + timedelta(days=9)):
        there, here = copy.in_force(at), history.in_force(at)
        assert there is not None
        assert here is not None
        assert there == here
        assert copy.scheduled(at) == history.scheduled(at)
    assert [entry.version for entry in copy.versions(limit=9)] == ["2026.10", "2026.3", "2026.2"]
    assert [entry.version for entry in copy.versions(limit=1, before="2026.10")] == ["2026.3"]
    assert copy.version("2026.2") == history.version("2026.2")
    assert [row.sequence for row in copy.activations(limit=9)] == [5, 3]
    assert copy.activations(limit=9, before=5) == [row for row in history.activations(limit=9) if row.sequence == 3]
    assert copy.last_sequences() == (5, 2)
    assert copy.withdrawals() == [row for row in history.withdrawals() if row.version == "2026.2"]


def test_rules_are_held_and_scheduled_by_a_bundle_as_by_a_store(history: RuleSetStore, tmp_path: Path) -> None:
    rules = RulesInForce(read(write_bundle(history, versions=[], now=NOW), tmp_path), poll_s=5)
    rules.load(NOW)
    rules.close()

    assert rules.active(NOW).version == "2026.3"
    assert rules.active(NOW + timedelta(hours=2)).version == "2026.3"
    assert rules.active(NOW + timedelta(days=1)).version == "2026.10"
    assert rules.state()["status"] == "ok"
    assert not rules.is_withdrawn("2026.2")
    rules = RulesInForce(read(write_bundle(history, versions=["2026.2"], now=NOW), tmp_path), poll_s=5)
    rules.load(NOW)
    rules.close()
    assert rules.is_withdrawn("2026.2")


def test_what_is_not_in_a_bundle_is_unknown_and_the_rest_of_a_store_is_away(
    history: RuleSetStore, tmp_path: Path
) -> None:
    copy = read(write_bundle(history, versions=[], now=NOW), tmp_path)

    for question in (lambda: copy.version("2026.1"), lambda: copy.versions(limit=1, before="2026.1")):
        with pytest.raises(UnknownRuleSetError):
            question()
    # Whatever is asked of its engine, now or in a later release.
    with pytest.raises(StoreAwayError):
        schema_state(copy._engine)


def test_the_same_rules_at_the_same_moment_are_the_same_bytes(history: RuleSetStore) -> None:
    written = write_bundle(history, versions=["2026.2", "2026.2"], now=NOW)

    assert written == write_bundle(history, versions=["2026.2", "2026.3"], now=NOW)


def test_nothing_can_be_bundled_that_was_not_published_or_before_there_were_rules(history: RuleSetStore) -> None:
    with pytest.raises(UnknownRuleSetError):
        write_bundle(history, versions=["1999.1"], now=NOW)
    with pytest.raises(NoRuleSetError):
        write_bundle(history, versions=[], now=datetime(2020, 1, 1, tzinfo=UTC))


def _point(told: Bundle, *way: str | int) -> Any:
    found: Any = told
    for step in way:
        found = found[step]
    return found


SPOILERS: dict[str, tuple[Callable[[Bundle], object], str]] = {
    "a document": (
        lambda told: _point(told, "versions", 0, "document", "texts").update(notice="Trust me."),
        "/versions/0/digest",
    ),
    "a version's digest": (
        lambda told: _point(told, "versions", 0).update(digest="sha256:" + 64 * "0"),
        "/versions/0/digest",
    ),
    "a version twice": (lambda told: told["versions"].append(told["versions"][0]), "/versions/1/version"),
    "an activation of what is not there": (
        lambda told: _point(told, "activations", 0).update(version="1999.1"),
        "/activations/0/version",
    ),
    "an activation twice": (lambda told: told["activations"].append(told["activations"][0]), "/activations/1/sequence"),
    "half an activation": (lambda told: _point(told, "activations", 0).update(effective_at=None), "/activations/0"),
    "no activation": (lambda told: told.update(activations=[]), "/activations"),
    "a withdrawal of what is not there": (
        lambda told: told.update(
            withdrawals=[
                {
                    "sequence": 1,
                    "version": "1999.1",
                    "withdrawn_at": "2026-11-02T00:00:00Z",
                    "withdrawn_by": "bob",
                    "reason": "a wrong number",
                }
            ]
        ),
        "/withdrawals/0/version",
    ),
    "another member": (lambda told: told.update(more=1), "/more"),
    "another form": (lambda told: told.update(joint_risk_bundle=2), "/joint_risk_bundle"),
}


@pytest.mark.parametrize("spoil", SPOILERS)
def test_a_bundle_that_somebody_touched_is_refused_even_with_a_new_seal(
    bundle: Bundle, tmp_path: Path, spoil: str
) -> None:
    change, pointer = SPOILERS[spoil]
    assert read(bundle, tmp_path).last_sequence() == 1
    change(bundle)

    with pytest.raises(UnusableFileError) as refused:
        read(sealed(bundle), tmp_path)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert "rules.json" in refused.value.message
    with pytest.raises(UnusableFileError):
        read(bundle, tmp_path)


@pytest.mark.parametrize("at", ["written_at", "activations"])
def test_a_bundle_whose_schedule_was_touched_is_refused_by_its_seal(bundle: Bundle, tmp_path: Path, at: str) -> None:
    moment = "2026-11-02T00:00:00Z"
    bundle.update(written_at=moment) if at == "written_at" else bundle[at][0].update(effective_at=moment)

    with pytest.raises(UnusableFileError) as refused:
        read(bundle, tmp_path)
    assert [fault.pointer for fault in refused.value.faults] == ["/digest"]


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b"\xff", b'{"a": 1e999}', b"[" * 100_000])
def test_what_is_no_bundle_is_refused(tmp_path: Path, written: bytes) -> None:
    with pytest.raises(UnusableFileError):
        read(written, tmp_path)


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        read_bundle(tmp_path / "nowhere.json")
