"""The store answers what is published and what is in force at any moment, alike on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, make_url

from app.database import connect_engine, downgrade
from app.errors import UnknownRuleSetError
from app.rule_sets.store import Activation, RuleSetStore, rule_set_draft
from tests.store.raw import RawDatabase, digest

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(moment: datetime) -> str:
    """How raw SQL writes a moment that both databases take for UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


@pytest.fixture
def store(store_engine: Engine) -> RuleSetStore:
    return RuleSetStore(store_engine)


@pytest.fixture
def three_versions(raw: RawDatabase) -> RawDatabase:
    raw.publish("2026.9", digest_letter="a")
    raw.publish("2026.10", digest_letter="b")
    raw.publish("2025.11", digest_letter="c")
    return raw


def version_in_force(store: RuleSetStore, moment: datetime) -> str | None:
    found = store.in_force(moment)
    return None if found is None else found.version


def test_a_version_comes_back_byte_for_byte_with_what_it_says(store: RuleSetStore, raw: RawDatabase) -> None:
    raw.run(
        "INSERT INTO rule_set_version"
        " (version, year, number, digest, published_at, published_by, authors, reason, document) VALUES"
        f" ('2027.3', 2027, 3, '{digest('e')}', '{at(NOON)}', 'Zoë', '[\"ann\"]', 'más datos',"
        ' \'{"b":1.10,"a":"Läufer 🏃"}\')'
    )
    found = store.version("2027.3")
    assert found.canonical == '{"b":1.10,"a":"Läufer 🏃"}'.encode()
    assert found.document == {"a": "Läufer 🏃", "b": 1.1}
    assert (found.digest, found.published_by, found.reason) == (digest("e"), "Zoë", "más datos")
    assert found.published_at == NOON
    assert found.published_at.tzinfo is UTC


@pytest.mark.parametrize(
    "version",
    ["2031.7", "", "latest", "2026.01", "'; --", "2026.1\x00", "\ud800", "\uff12026.1", "2026.99999999999999999999"],
)
def test_what_was_never_published_is_unknown(store: RuleSetStore, version: str) -> None:
    with pytest.raises(UnknownRuleSetError) as refused:
        store.version(version)
    assert refused.value.version == version


def test_versions_are_listed_highest_first_by_number_page_by_page(
    store: RuleSetStore, three_versions: RawDatabase
) -> None:
    assert [entry.version for entry in store.versions(limit=10)] == ["2026.10", "2026.9", "2026.1", "2025.11"]
    assert [entry.version for entry in store.versions(limit=2)] == ["2026.10", "2026.9"]
    assert [entry.version for entry in store.versions(limit=2, before="2026.9")] == ["2026.1", "2025.11"]
    assert store.versions(limit=2, before="2025.11") == []
    with pytest.raises(UnknownRuleSetError):
        store.versions(limit=2, before="2024.1")


def test_activations_are_listed_newest_first_page_by_page(store: RuleSetStore, three_versions: RawDatabase) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON), effective_at=at(NOON + HOUR))
    three_versions.activate(3, None, activated_at=at(NOON), cancels="[2]")
    newest, scheduled, shipped = store.activations(limit=10)
    assert newest == Activation(3, None, None, None, NOON, "bob", "reviewed", (2,))
    assert scheduled == Activation(2, "2026.9", digest("a"), NOON + HOUR, NOON, "bob", "reviewed", ())
    assert (shipped.sequence, shipped.version, shipped.activated_by) == (1, "2026.1", "joint-risk")
    assert store.activations(limit=1, before=3) == [scheduled]
    assert store.activations(limit=5, before=1) == []
    assert store.activations(limit=5, before=10**30) == [newest, scheduled, shipped]
    assert store.last_sequence() == 3


def test_before_anything_took_effect_nothing_is_in_force(store: RuleSetStore) -> None:
    assert store.in_force(datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)) is None
    assert version_in_force(store, datetime(2026, 1, 1, tzinfo=UTC)) == "2026.1"


def test_an_empty_ledger_has_nothing_in_force_and_nothing_scheduled(store: RuleSetStore, store_url: str) -> None:
    downgrade(store_url, "0001")
    assert (store.in_force(NOON), store.scheduled(NOON), store.last_sequence()) == (None, [], 0)


def test_an_activation_is_in_force_from_its_moment_on(store: RuleSetStore, three_versions: RawDatabase) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON), effective_at=at(NOON + HOUR))
    assert version_in_force(store, NOON + HOUR - timedelta(microseconds=1)) == "2026.1"
    assert version_in_force(store, NOON + HOUR) == "2026.9"
    assert [activation.sequence for activation in store.scheduled(NOON)] == [2]
    assert store.scheduled(NOON + HOUR) == []


def test_rolling_back_is_one_more_activation(store: RuleSetStore, three_versions: RawDatabase) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON))
    three_versions.activate(3, "2026.1", activated_at=at(NOON + HOUR))
    assert version_in_force(store, NOON) == "2026.9"
    found = store.in_force(NOON + HOUR)
    assert found is not None
    assert (found.sequence, found.version) == (3, "2026.1")


def test_the_highest_number_wins_whatever_takes_effect_last(store: RuleSetStore, three_versions: RawDatabase) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON), effective_at=at(NOON + 5 * HOUR))
    three_versions.activate(3, "2026.10", activated_at=at(NOON), effective_at=at(NOON + 2 * HOUR))
    assert version_in_force(store, NOON + HOUR) == "2026.1"
    assert version_in_force(store, NOON + 2 * HOUR) == "2026.10"
    assert version_in_force(store, NOON + 6 * HOUR) == "2026.10"
    assert [activation.sequence for activation in store.scheduled(NOON)] == [3, 2]


def test_what_is_cancelled_before_its_moment_never_comes(store: RuleSetStore, three_versions: RawDatabase) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON), effective_at=at(NOON + 5 * HOUR))
    three_versions.activate(3, None, activated_at=at(NOON + HOUR), cancels="[2]")
    assert [activation.sequence for activation in store.scheduled(NOON)] == [2]
    assert store.scheduled(NOON + HOUR) == []
    assert version_in_force(store, NOON + 6 * HOUR) == "2026.1"


def test_an_immediate_activation_cancels_by_naming(store: RuleSetStore, three_versions: RawDatabase) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON), effective_at=at(NOON + 5 * HOUR))
    three_versions.activate(3, "2026.10", activated_at=at(NOON), effective_at=at(NOON + 6 * HOUR))
    three_versions.activate(4, "2025.11", activated_at=at(NOON + HOUR), cancels="[2, 3]")
    assert version_in_force(store, NOON + HOUR) == "2025.11"
    assert version_in_force(store, NOON + 9 * HOUR) == "2025.11"
    assert store.scheduled(NOON + HOUR) == []


def test_cancelling_what_is_in_force_brings_the_one_before_back(
    store: RuleSetStore, three_versions: RawDatabase
) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON))
    three_versions.activate(3, None, activated_at=at(NOON + HOUR), cancels="[2]")
    assert version_in_force(store, NOON) == "2026.9"
    assert version_in_force(store, NOON + HOUR) == "2026.1"


def test_the_answer_is_found_below_many_later_rows(store: RuleSetStore, three_versions: RawDatabase) -> None:
    for sequence in range(2, 122):
        three_versions.activate(sequence, "2026.9", activated_at=at(NOON), effective_at=at(NOON + 5 * HOUR))
    assert version_in_force(store, NOON + HOUR) == "2026.1"
    assert len(store.scheduled(NOON + HOUR)) == 120


def test_moments_are_the_same_moments_in_any_offset(store: RuleSetStore, three_versions: RawDatabase) -> None:
    three_versions.activate(2, "2026.9", activated_at=at(NOON))
    assert version_in_force(store, NOON.astimezone(timezone(timedelta(hours=9)))) == "2026.9"
    assert version_in_force(store, NOON.astimezone(timezone(timedelta(hours=-8)))) == "2026.9"
    with pytest.raises(TypeError):
        store.in_force(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_moments_come_back_in_utc_whatever_zone_the_server_is_in(store_url: str, raw: RawDatabase) -> None:
    raw.run(f"ALTER DATABASE {make_url(store_url).database} SET timezone TO 'Asia/Tokyo'")
    engine = connect_engine(store_url)
    try:
        found = RuleSetStore(engine).version("2026.1")
        assert (found.published_at, found.published_at.tzinfo) == (datetime(2026, 11, 24, tzinfo=UTC), UTC)
    finally:
        engine.dispose()


def test_a_moment_without_an_offset_is_never_written(store_url: str) -> None:
    row = {
        "name": "spring",
        "media_type": "application/yaml",
        "digest": digest("a"),
        "editors": ["ann", "bob"],
        "updated_by": "ann",
        "body": "factors: []",
    }
    engine = connect_engine(store_url)
    try:
        with engine.begin() as connection, pytest.raises(Exception, match="offset from UTC"):
            connection.execute(rule_set_draft.insert().values(**row, updated_at=NOON.replace(tzinfo=None)))
        with engine.begin() as connection:
            east = NOON.astimezone(timezone(timedelta(hours=9)))
            connection.execute(rule_set_draft.insert().values(**row, updated_at=east))
            found = connection.execute(rule_set_draft.select()).one()
        assert (found.updated_at, found.updated_at.tzinfo, found.editors) == (NOON, UTC, ["ann", "bob"])
    finally:
        engine.dispose()
