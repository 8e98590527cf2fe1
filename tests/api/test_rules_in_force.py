"""Which rules a replica scores by: what it takes in, what it holds through an outage, what does not move it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.api.operations import note_state
from app.database import connect_engine
from app.errors import InvalidRuleSetError, StoreAwayError
from app.rule_sets.documents import published_document
from app.rule_sets.in_force import RulesInForce
from app.rule_sets.store import RuleSetStore
from app.telemetry import Telemetry
from tests.api.service import Author, Outage, Service, ensure_problem, example

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(sqlite_store_url: str) -> Iterator[RuleSetStore]:
    engine = connect_engine(sqlite_store_url)
    yield RuleSetStore(engine)
    engine.dispose()


@pytest.fixture
def rules(store: RuleSetStore) -> Iterator[RulesInForce]:
    rules = RulesInForce(store, poll_s=3600)
    yield rules
    rules.close()


def version_of(answer: Any) -> str:
    version: str = answer.json()["rule_set"]["version"]
    return version


def test_a_newer_activation_is_in_force_after_the_next_look(service: Service, author: Author) -> None:
    author.publish("2026.2")
    author.activate(2, "2026.2")
    assert version_of(service.score(example())) == "2026.1"

    service.look_at_store()

    assert version_of(service.score(example())) == "2026.2"
    assert service.get("/v1/rule-sets/active").json()["version"] == "2026.2"
    listed = {item["version"]: item["active"] for item in service.get("/v1/rule-sets").json()["items"]}
    assert listed == {"2026.2": True, "2026.1": False}


def test_rolling_back_is_one_more_activation(service: Service, author: Author) -> None:
    author.publish("2026.2")
    author.activate(2, "2026.2")
    service.look_at_store()
    author.activate(3, "2026.1")
    service.look_at_store()

    assert version_of(service.score(example())) == "2026.1"


def test_while_the_store_is_away_scoring_goes_on_and_readiness_says_degraded(service: Service, outage: Outage) -> None:
    before = service.score(example()).content
    outage.begin()
    service.look_at_store()

    assert service.score(example()).content == before
    assert service.score(example(), "/v1/scores?rule_set=2026.1&min_evidence=low").status_code == 200
    assert service.get("/v1/rule-sets/active").status_code == 200
    assert service.get("/v1/rule-sets/2026.1").status_code == 200
    assert service.get("/livez").status_code == 200
    readiness = service.get("/readyz")
    assert readiness.status_code == 200
    told = readiness.json()
    assert (told["status"], told["store"]) == ("degraded", "away")
    assert told["store_seen_s_ago"] >= 0
    for path in ("/v1/rule-sets", "/v1/rule-sets/activations", "/v1/rule-sets/2026.7"):
        answer = service.get(path)
        ensure_problem(answer, 503, "store-away")
        assert int(answer.headers["Retry-After"]) >= 1

    outage.end()
    service.look_at_store()
    assert service.get("/readyz").json()["status"] == "ok"


def test_a_version_that_was_used_is_held_through_an_outage_and_others_need_the_store(
    service: Service, author: Author, outage: Outage
) -> None:
    author.publish("2026.2")
    author.publish("2026.3")
    assert version_of(service.score(example(), "/v1/scores?rule_set=2026.2")) == "2026.2"

    outage.begin()

    assert version_of(service.score(example(), "/v1/scores?rule_set=2026.2")) == "2026.2"
    ensure_problem(service.score(example(), "/v1/scores?rule_set=2026.3"), 503, "store-away")


def test_the_previous_and_the_scheduled_versions_are_held_without_being_used(
    service: Service, author: Author, outage: Outage
) -> None:
    author.publish("2026.2")
    author.publish("2026.3")
    author.activate(2, "2026.2")
    author.activate(3, "2026.3", effective_at=datetime.now(UTC) + HOUR)
    service.look_at_store()
    outage.begin()

    for version in ("2026.1", "2026.2", "2026.3"):
        assert version_of(service.score(example(), f"/v1/scores?rule_set={version}")) == version


def test_a_version_that_was_in_force_long_ago_is_held_as_one_of_the_others(
    service: Service, author: Author, outage: Outage
) -> None:
    for number in (2, 3, 4):
        author.publish(f"2026.{number}")
        author.activate(number, f"2026.{number}")
        service.look_at_store()
    outage.begin()

    for number in (1, 2, 3, 4):
        assert service.score(example(), f"/v1/scores?rule_set=2026.{number}").status_code == 200


def test_eight_other_versions_are_held_and_the_least_recently_used_goes_first(
    service: Service, author: Author, outage: Outage
) -> None:
    for number in range(2, 11):
        author.publish(f"2026.{number}")
    for number in range(2, 10):
        service.score(example(), f"/v1/scores?rule_set=2026.{number}")
    service.score(example(), "/v1/scores?rule_set=2026.2")
    service.score(example(), "/v1/scores?rule_set=2026.10")
    outage.begin()

    away = [
        number
        for number in range(1, 11)
        if service.score(example(), f"/v1/scores?rule_set=2026.{number}").status_code == 503
    ]
    assert away == [3]


def test_reading_old_rule_sets_pushes_none_out_that_scores(service: Service, author: Author, outage: Outage) -> None:
    for number in range(2, 14):
        author.publish(f"2026.{number}")
    service.score(example(), "/v1/scores?rule_set=2026.2")
    for number in range(3, 14):
        assert service.get(f"/v1/rule-sets/2026.{number}").status_code == 200
    outage.begin()

    assert service.score(example(), "/v1/scores?rule_set=2026.2").status_code == 200


def test_a_service_that_starts_while_the_store_is_away_waits_and_then_scores(
    sqlite_store_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("away") / "not-there-yet"
    folder.mkdir()
    with Service(f"sqlite:///{folder}") as service:
        for path in ("/readyz", "/startupz"):
            answer = service.get(path)
            assert (answer.status_code, answer.json()["status"], answer.json()["store"]) == (503, "starting", "away")
        assert service.get("/livez").status_code == 200
        refused = service.score(example())
        ensure_problem(refused, 503, "store-away")
        assert "Retry-After" in refused.headers

    with Service(sqlite_store_url) as service:
        assert service.get("/startupz").status_code == 200


def test_the_ages_of_a_service_that_never_saw_its_store_grow_from_its_start(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def written(service: Service) -> str:
        """What operators' own port would say; the other wants to know first whether there are keys."""
        note_state(service.app)
        telemetry: Telemetry = service.app.state.telemetry
        return telemetry.write().decode()

    def ages_told_s(service: Service) -> dict[str, float]:
        return {
            name: float(age) for name, age in re.findall(r"^(\w+_age_seconds) (\S+)", written(service), re.MULTILINE)
        }

    with Service(f"sqlite:///{tmp_path_factory.mktemp('away')}") as service:
        ages_s = ages_told_s(service)
        assert set(ages_s) == {"joint_risk_store_seen_age_seconds", "joint_risk_keys_age_seconds"}
        later_s = ages_told_s(service)
        assert all(0 < age_s < later_s[name] < 3_600 for name, age_s in ages_s.items())
        assert "joint_risk_rule_set_info{" not in written(service)
        assert service.get("/readyz").json()["store_seen_s_ago"] is None


def test_a_store_that_nobody_migrated_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Service(f"sqlite:///{tmp_path_factory.mktemp('new') / 'empty.db'}") as service:
        readiness = service.get("/readyz")
        assert (readiness.status_code, readiness.json()["store"]) == (503, "schema-behind")
        ensure_problem(service.score(example()), 503, "schema-behind")


def test_a_rule_set_with_a_wrong_digest_leaves_the_last_one_in_force(service: Service, author: Author) -> None:
    author.publish("2026.2", digest="sha256:" + "0" * 64)
    author.activate(2, "2026.2")

    service.look_at_store()

    assert version_of(service.score(example())) == "2026.1"
    readiness = service.get("/readyz")
    assert (readiness.status_code, readiness.json()["status"]) == (200, "degraded")
    assert readiness.json()["refused"] == ["2026.2"]
    ensure_problem(service.score(example(), "/v1/scores?rule_set=2026.2"), 503, "rule-set-unloadable")
    assert service.get("/v1/rule-sets/2026.2").json()["version"] == "2026.2"


def test_a_rule_set_that_reads_an_unknown_feature_is_not_loaded(service: Service, author: Author) -> None:
    document: dict[str, Any] = published_document("2026.1")
    document["factors"][0]["feature"] = "phase_of_the_moon"
    author.publish("2026.2", document=document)
    author.activate(2, "2026.2")

    service.look_at_store()

    assert version_of(service.score(example())) == "2026.1"
    assert service.get("/readyz").json()["refused"] == ["2026.2"]


def test_a_schedule_takes_effect_at_its_moment_without_the_store(rules: RulesInForce, author: Author) -> None:
    author.publish("2026.2")
    author.activate(2, "2026.2", effective_at=NOON)
    rules.load(NOON - HOUR)

    assert rules.active(NOON - timedelta(microseconds=1)).version == "2026.1"
    assert rules.active(NOON).version == "2026.2"


def test_a_clock_that_steps_back_brings_no_older_rules_back(rules: RulesInForce, author: Author) -> None:
    author.publish("2026.2")
    author.activate(2, "2026.2", effective_at=NOON)
    rules.load(NOON - HOUR)
    assert rules.active(NOON).version == "2026.2"

    author.publish("2026.3")
    author.activate(3, "2026.3", effective_at=NOON + 9 * HOUR)
    rules.load(NOON - HOUR)

    assert rules.active(NOON - HOUR).version == "2026.2"


def test_of_two_schedules_the_later_decision_wins_whichever_takes_effect_first(
    rules: RulesInForce, author: Author
) -> None:
    author.publish("2026.2")
    author.publish("2026.3")
    author.activate(2, "2026.2", effective_at=NOON + HOUR)
    author.activate(3, "2026.3", effective_at=NOON)
    rules.load(NOON - HOUR)

    assert [rules.active(NOON + hours * HOUR).version for hours in (-1, 0, 1)] == ["2026.1", "2026.3", "2026.3"]


def test_a_cancelled_schedule_never_takes_effect_even_when_the_cancellation_is_ahead_of_our_clock(
    rules: RulesInForce, author: Author
) -> None:
    author.publish("2026.2")
    author.activate(2, "2026.2", effective_at=NOON)
    rules.load(NOON - 2 * HOUR)
    author.activate(3, None, activated_at=NOON - HOUR, cancels=(2,))
    rules.load(NOON - 2 * HOUR)

    assert rules.active(NOON + HOUR).version == "2026.1"


def test_a_version_that_is_not_held_is_read_from_the_store_once(rules: RulesInForce, author: Author) -> None:
    author.publish("2026.2")

    assert rules.held("2026.2") is None
    assert rules.pinned("2026.2").version == "2026.2"
    assert rules.pinned("2026.2") is rules.pinned("2026.2")


def test_before_anything_was_loaded_there_are_no_rules(sqlite_store_url: str) -> None:
    engine = connect_engine(sqlite_store_url.replace("store.db", "nowhere/at/all.db"))
    rules = RulesInForce(RuleSetStore(engine), poll_s=1)
    try:
        assert rules.state()["status"] == "starting"
        rules.load(NOON)
        with pytest.raises(StoreAwayError):
            rules.active(NOON)
    finally:
        rules.close()
        engine.dispose()


def test_a_new_replica_whose_rules_in_force_cannot_be_loaded_falls_back_to_none(
    rules: RulesInForce, author: Author
) -> None:
    author.publish("2026.2", digest="sha256:" + "0" * 64)
    author.activate(2, "2026.2")
    rules.load(NOON)

    assert rules.state()["status"] == "starting"
    assert rules.state()["refused"] == ["2026.2"]
    with pytest.raises(InvalidRuleSetError):
        rules.active(NOON)
