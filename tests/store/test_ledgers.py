"""The database itself keeps its promises, against raw SQL from outside the service."""

import re
import sqlite3
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from tests.store.raw import MOMENT, REFUSALS, RawDatabase, digest, open_raw

VERSION_ROW = (
    "INTO rule_set_version (version, year, number, digest, published_at, published_by, authors, reason, document) "
    f"VALUES ('2026.2', 2026, 2, '{digest('c')}', '{MOMENT}', 'eve', '[]', 'mine now', '{{}}')"
)
SAME_DIGEST_ROW = (
    VERSION_ROW.replace("2026.2", "2026.9").replace("2026, 2", "2026, 9").replace(digest("c"), digest("a"))
)
ACTIVATION_ROW = (
    "INTO rule_set_activation (sequence, version, effective_at, activated_at, activated_by, reason, cancels) "
    f"VALUES (2, '2026.1', '{MOMENT}', '{MOMENT}', 'eve', 'mine now', '[]')"
)
WITHDRAWAL_ROW = (
    "INTO rule_set_withdrawal (sequence, version, withdrawn_at, withdrawn_by, reason) "
    f"VALUES (2, '2026.3', '{MOMENT}', 'eve', 'mine now')"
)
KEY_ROW = (
    "INTO api_key (prefix, hash, name, owner, scopes, created_at) "
    f"VALUES ('jrk_live', '{digest('f')}', 'mine', 'eve', '[\"rules:publish\"]', '{MOMENT}')"
)

ATTACKS = [
    "UPDATE rule_set_version SET document = '[]'",
    "UPDATE rule_set_version SET version = '2030.1', year = 2030, number = 1 WHERE version = '2026.2'",
    "DELETE FROM rule_set_version WHERE version = '2026.2'",
    f"INSERT {VERSION_ROW}",
    f"INSERT {SAME_DIGEST_ROW}",
    f"INSERT {VERSION_ROW} ON CONFLICT DO NOTHING",
    f"INSERT {VERSION_ROW} ON CONFLICT (version) DO UPDATE SET document = excluded.document",
    f"INSERT {SAME_DIGEST_ROW} ON CONFLICT (digest) DO UPDATE SET version = excluded.version",
    "UPDATE rule_set_activation SET effective_at = NULL, version = NULL",
    "DELETE FROM rule_set_activation WHERE sequence = 2",
    f"INSERT {ACTIVATION_ROW}",
    f"INSERT {ACTIVATION_ROW} ON CONFLICT DO NOTHING",
    f"INSERT {ACTIVATION_ROW} ON CONFLICT (sequence) DO UPDATE SET version = excluded.version",
    "UPDATE rule_set_withdrawal SET version = '2026.1'",
    "DELETE FROM rule_set_withdrawal",
    f"INSERT {WITHDRAWAL_ROW}",
    f"INSERT {WITHDRAWAL_ROW} ON CONFLICT DO NOTHING",
    f"INSERT {WITHDRAWAL_ROW} ON CONFLICT (version) DO UPDATE SET reason = excluded.reason",
    f"INSERT {WITHDRAWAL_ROW.replace('(2,', '(1,')} ON CONFLICT (sequence) DO UPDATE SET version = excluded.version",
    "UPDATE api_key SET scopes = '[\"rules:publish\"]'",
    "UPDATE api_key SET owner = 'eve' WHERE prefix = 'jrk_live'",
    "UPDATE api_key SET expires_at = NULL",
    "UPDATE api_key SET revoked_at = NULL, revoked_by = NULL WHERE prefix = 'jrk_gone'",
    f"UPDATE api_key SET revoked_at = '{MOMENT}', revoked_by = 'eve' WHERE prefix = 'jrk_gone'",
    f"UPDATE api_key SET revoked_at = '{MOMENT}', revoked_by = 'eve', owner = 'eve' WHERE prefix = 'jrk_live'",
    f"UPDATE api_key SET revoked_at = '{MOMENT}' WHERE prefix = 'jrk_live'",
    "DELETE FROM api_key WHERE prefix = 'jrk_gone'",
    f"INSERT {KEY_ROW}",
    f"INSERT {KEY_ROW} ON CONFLICT DO NOTHING",
    f"INSERT {KEY_ROW} ON CONFLICT (prefix) DO UPDATE SET hash = excluded.hash",
]
SQLITE_ATTACKS = [
    f"{verb} {row}"
    for verb in ("INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE")
    for row in (VERSION_ROW, SAME_DIGEST_ROW, ACTIVATION_ROW, WITHDRAWAL_ROW, KEY_ROW)
] + [
    "UPDATE OR REPLACE rule_set_version SET version = '2026.2', number = 2 WHERE version = '2026.3'",
    "UPDATE OR IGNORE rule_set_activation SET version = '2026.2'",
    "UPDATE OR REPLACE rule_set_withdrawal SET sequence = 1",
    "UPDATE OR REPLACE api_key SET prefix = 'jrk_live' WHERE prefix = 'jrk_gone'",
]
POSTGRESQL_ATTACKS = [
    "TRUNCATE rule_set_version CASCADE",
    "TRUNCATE rule_set_activation",
    "TRUNCATE rule_set_withdrawal",
    "TRUNCATE api_key",
    "WITH gone AS (DELETE FROM rule_set_withdrawal RETURNING *) SELECT * FROM gone",
    "MERGE INTO rule_set_version USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET reason = 'x'",
    "MERGE INTO rule_set_activation USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
]


@pytest.fixture
def history(raw: RawDatabase) -> RawDatabase:
    """2026.1 (activation 1), 2026.2 (activation 2), 2026.3 (withdrawn), a key in use and a revoked one."""
    raw.publish("2026.2", digest_letter="a")
    raw.publish("2026.3", digest_letter="b")
    raw.activate(2, "2026.2")
    raw.withdraw(1, "2026.3")
    raw.make_key("jrk_live", hash_letter="d")
    raw.make_key("jrk_gone", hash_letter="e")
    raw.run(f"UPDATE api_key SET revoked_at = '{MOMENT}', revoked_by = 'ann' WHERE prefix = 'jrk_gone'")
    return raw


def test_what_a_ledger_holds_stays_whatever_the_statement(history: RawDatabase) -> None:
    assert history.slipped(ATTACKS) == []


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_sqlite_replaces_and_ignores_nothing_in_a_ledger(history: RawDatabase) -> None:
    assert history.slipped(SQLITE_ATTACKS) == []


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("row", [VERSION_ROW, ACTIVATION_ROW, WITHDRAWAL_ROW, KEY_ROW])
def test_sqlite_has_no_hidden_row_number_to_replace_by(history: RawDatabase, row: str) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no column named rowid"):
        history.run("REPLACE " + re.sub(r"\((.+?)\) VALUES \(", r"(rowid, \1) VALUES (1, ", row, count=1))


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_postgresql_truncates_and_merges_nothing_in_a_ledger(history: RawDatabase) -> None:
    assert history.slipped(POSTGRESQL_ATTACKS) == []


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_temporary_table_of_the_same_name_misleads_no_check(history: RawDatabase) -> None:
    history.run("CREATE TEMPORARY TABLE rule_set_activation (sequence integer)")
    history.run("INSERT INTO pg_temp.rule_set_activation VALUES (41)")
    history.run("CREATE TEMPORARY TABLE rule_set_withdrawal (version text)")
    with pytest.raises(psycopg.IntegrityError, match="next sequence number"):
        history.run(
            f"INSERT {ACTIVATION_ROW}".replace("rule_set_activation", "public.rule_set_activation").replace(
                "(2,", "(42,"
            )
        )
    with pytest.raises(psycopg.IntegrityError, match="withdrawn"):
        history.run(
            f"INSERT {ACTIVATION_ROW}".replace("rule_set_activation", "public.rule_set_activation")
            .replace("(2,", "(3,")
            .replace("2026.1", "2026.3")
        )


def test_an_activation_takes_the_next_number_and_no_other(history: RawDatabase) -> None:
    wrong = [f"INSERT {ACTIVATION_ROW.replace('(2,', f'({number},')}" for number in ("0", "1", "4", "-1", "NULL")]
    assert history.slipped(wrong) == []
    history.activate(3, "2026.1")
    assert [row[0] for row in history.everything()["rule_set_activation"]] == [1, 2, 3]


def test_two_activations_of_one_statement_are_numbered_one_after_the_other(history: RawDatabase) -> None:
    row = ACTIVATION_ROW.split("VALUES ")[1]
    statement = ACTIVATION_ROW.split("VALUES ", maxsplit=1)[0]
    with pytest.raises(REFUSALS):
        history.run(f"INSERT {statement} VALUES {row.replace('(2,', '(3,')}, {row.replace('(2,', '(3,')}")
    history.run(f"INSERT {statement} VALUES {row.replace('(2,', '(3,')}, {row.replace('(2,', '(4,')}")
    assert [line[0] for line in history.everything()["rule_set_activation"]] == [1, 2, 3, 4]


def test_a_withdrawn_version_is_never_activated_and_never_withdrawn_again(history: RawDatabase) -> None:
    with pytest.raises(REFUSALS, match="withdrawn version"):
        history.activate(3, "2026.3")
    with pytest.raises(REFUSALS, match="withdrawn already"):
        history.withdraw(2, "2026.3")
    with pytest.raises(REFUSALS, match="next sequence number"):
        history.withdraw(3, "2026.2")


def test_what_was_never_published_is_neither_activated_nor_withdrawn(history: RawDatabase) -> None:
    with pytest.raises(REFUSALS):
        history.activate(3, "2031.7")
    with pytest.raises(REFUSALS):
        history.withdraw(2, "2031.7")


def test_only_earlier_activations_can_be_cancelled(history: RawDatabase) -> None:
    cancels = ["[3]", "[4]", "[0]", '["2"]', "[1.5]", "[2, 9]", "[null]", "2", "{}", '"2"', "null"]
    row = ACTIVATION_ROW.replace("(2,", "(3,")
    assert history.slipped([f"INSERT {row.replace('[]', wrong)}" for wrong in cancels]) == []
    history.run(f"INSERT {row.replace('[]', '[1, 2]')}")


def test_a_row_that_neither_activates_nor_cancels_is_refused(history: RawDatabase) -> None:
    with pytest.raises(REFUSALS, match="activates something or cancels something"):
        history.activate(3, None)
    history.activate(3, None, cancels="[2]")
    assert history.everything()["rule_set_activation"][-1][:3] == (3, None, None)


def test_a_published_row_is_well_formed(raw: RawDatabase) -> None:
    sound = (
        "INSERT INTO rule_set_version"
        " (version, year, number, digest, published_at, published_by, authors, reason, document)"
        f" VALUES ('2027.1', 2027, 1, '{digest('f')}', '{MOMENT}', 'ann', '[]', 'new evidence', '{{\"a\":1}}')"
    )
    mistakes = [
        ("'2027.1', 2027, 1", "'2027.01', 2027, 1"),
        ("'2027.1', 2027, 1", "'2027.1', 2027, 2"),
        ("'2027.1', 2027, 1", "'27.1', 27, 1"),
        ("'2027.1', 2027, 1", "'2027.-1', 2027, -1"),
        ("'2027.1', 2027, 1", "'latest', 2027, 1"),
        (digest("f"), "sha256:" + "F" * 64),
        (digest("f"), "sha256:" + "f" * 63),
        (digest("f"), "sha256:" + "f" * 65),
        (digest("f"), "sha512:" + "f" * 64),
        (digest("f"), "sha256:" + "g" * 64),
        ("'new evidence'", "'  '"),
        ("'new evidence'", "NULL"),
        ("'ann'", "''"),
        ("'[]'", "'{}'"),
        ("'{\"a\":1}'", "''"),
    ]
    assert [mistake for mistake in mistakes if mistake[0] not in sound] == []
    assert raw.slipped([sound.replace(*mistake) for mistake in mistakes]) == []
    raw.run(sound)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("moment", ["2026-11-25T00:00:00Z", "2026-11-25", "2026-11-25 00:00:00", "1795478400", "now"])
def test_sqlite_takes_moments_in_the_one_form_that_sorts(raw: RawDatabase, moment: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="YYYY-MM-DD"):
        raw.activate(2, "2026.1", effective_at=moment)
    with pytest.raises(sqlite3.IntegrityError, match="YYYY-MM-DD"):
        raw.activate(2, "2026.1", effective_at=MOMENT, activated_at=moment)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_sqlite_takes_no_other_moments_in_any_ledger(history: RawDatabase) -> None:
    written = f"'{MOMENT}'"
    key = KEY_ROW.replace("jrk_live", "jrk_new").replace(digest("f"), digest("9"))
    expiring = key.replace("created_at)", "created_at, expires_at)").replace(
        written, f"'2026-12-01 00:00:00.000000', {written}"
    )
    rows = [
        f"INSERT {VERSION_ROW.replace('2026.2', '2027.2').replace('2026, 2', '2027, 2')}",
        f"INSERT {WITHDRAWAL_ROW.replace('2026.3', '2026.2')}",
        f"INSERT {key}",
        f"INSERT {expiring}",
        f"UPDATE api_key SET revoked_at = {written}, revoked_by = 'ann' WHERE prefix = 'jrk_live'",
    ]
    assert history.slipped([row.replace(MOMENT, "2026-11-25T00:00:00Z") for row in rows]) == []
    for row in rows[:2] + rows[3:]:  # the third and the fourth are one key
        history.run(row)


def test_a_key_is_well_formed(raw: RawDatabase) -> None:
    mistakes = [
        (digest("f"), "f" * 64),
        ("'mine'", "''"),
        ("'eve'", "' '"),
        ("'jrk_live'", "''"),
        ("'[\"rules:publish\"]'", "'\"score\"'"),
    ]
    sound = f"INSERT {KEY_ROW}"
    assert [mistake for mistake in mistakes if mistake[0] not in sound] == []
    assert raw.slipped([sound.replace(*mistake) for mistake in mistakes]) == []
    raw.run(sound)


def test_a_key_is_revoked_once_by_somebody(history: RawDatabase) -> None:
    history.run(f"UPDATE api_key SET revoked_at = '{MOMENT}', revoked_by = 'ann' WHERE prefix = 'jrk_live'")
    assert history.run("SELECT count(*) FROM api_key WHERE revoked_by = 'ann'") == [(2,)]


def test_drafts_are_a_desk_and_may_be_rewritten_and_thrown_away(raw: RawDatabase) -> None:
    raw.run(
        "INSERT INTO rule_set_draft (name, media_type, digest, editors, updated_at, updated_by, body)"
        f" VALUES ('spring', 'application/yaml', '{digest('a')}', '[\"ann\"]', '{MOMENT}', 'ann', 'factors: []')"
    )
    raw.run(f"UPDATE rule_set_draft SET body = 'factors: [] # nothing yet', digest = '{digest('b')}'")
    raw.run("DELETE FROM rule_set_draft")
    assert raw.run("SELECT * FROM rule_set_draft") == []


@pytest.fixture
def reader_and_appender(store_url: str, history: RawDatabase) -> Iterator[RawDatabase]:
    """A second session, in the role that the operators' page gives the service: SELECT, and INSERT on the ledgers."""
    role = f"service_of_{make_url(store_url).database}"
    history.run(f"CREATE ROLE {role}")
    try:
        history.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        history.run(f"GRANT INSERT ON rule_set_version, rule_set_activation, rule_set_withdrawal TO {role}")
        with open_raw(store_url) as session:
            session.run(f"SET ROLE {role}")
            yield session
    finally:
        history.run(f"DROP OWNED BY {role}")
        history.run(f"DROP ROLE {role}")


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_role_that_may_only_read_and_append_can_do_the_services_work(reader_and_appender: RawDatabase) -> None:
    reader_and_appender.publish("2026.4", digest_letter="9")
    reader_and_appender.activate(3, "2026.4")
    reader_and_appender.withdraw(2, "2026.2")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader_and_appender.run("ALTER TABLE rule_set_version DISABLE TRIGGER USER")


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_nobody_activates_what_another_session_is_about_to_withdraw(history: RawDatabase, store_url: str) -> None:
    with open_raw(store_url) as other:
        history.run("BEGIN")
        history.withdraw(2, "2026.2")
        other.run("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.activate(3, "2026.2")
        history.run("COMMIT")
        with pytest.raises(psycopg.IntegrityError, match="withdrawn version"):
            other.activate(3, "2026.2")
