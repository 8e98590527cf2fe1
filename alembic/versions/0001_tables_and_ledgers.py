"""The five tables of the store, and the triggers that make three of them ledgers.

A ledger only grows: UPDATE, DELETE, TRUNCATE and writing over an existing row are refused by the database itself, so
that no code of ours, no command line and no tool can change what was published, activated or withdrawn. A key can be
revoked and nothing else. The way back takes everything away.

Two ways around a trigger are closed on SQLite. INSERT OR REPLACE removes the old row without firing its DELETE
trigger, so INSERT itself is checked. And a table has a hidden row number by which REPLACE could remove a row that
shares nothing else with the new one, so these tables are made without it (and keep their long texts last, where a
listing need not read past them).
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FROZEN = Path(__file__).parent.parent / "frozen"
MOMENT = sa.DateTime(timezone=True)
JSON_LIST = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    create_tables()
    bind = op.get_bind()
    script = (FROZEN / f"0001_{bind.dialect.name}.sql").read_text(encoding="utf-8")
    # PostgreSQL takes the whole script at once, SQLite one statement at a time.
    for statement in derive_statements(script) if bind.dialect.name == "sqlite" else [script]:
        bind.exec_driver_sql(statement, execution_options={"no_parameters": True})


def downgrade() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        made_here = sa.text(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'refuse\\_%' ESCAPE '\\'"
        )
        for name in bind.scalars(made_here).all():
            op.execute(f"DROP TRIGGER {name}")
    else:
        for table in ("rule_set_version", "rule_set_activation", "rule_set_withdrawal", "api_key"):
            for trigger in ("refuse_insert", "refuse_change", "refuse_truncate"):
                op.execute(f"DROP TRIGGER {trigger} ON {table}")
            if table == "api_key":
                op.execute("DROP TRIGGER refuse_update ON api_key")
                op.execute("DROP FUNCTION refuse_api_key_change()")
            op.execute(f"DROP FUNCTION refuse_{table}()")
        op.execute("DROP FUNCTION refuse_change()")
    for table in ("api_key", "rule_set_withdrawal", "rule_set_activation", "rule_set_version", "rule_set_draft"):
        op.drop_table(table)


def derive_statements(script: str) -> Iterator[str]:
    """The statements of `script`, one by one; a trigger holds semicolons of its own, and SQLite knows its end."""
    statement = ""
    for line in script.splitlines(keepends=True):
        if not statement and (not line.strip() or line.startswith("--")):
            continue
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def sha256_form(column: str) -> str:
    """The SQL that holds for `sha256:` and 64 lower-case hexadecimal digits, on both databases."""
    digits = f"ltrim(substr({column}, 8), '0123456789abcdef') = ''"
    return f"length({column}) = 71 AND substr({column}, 1, 7) = 'sha256:' AND {digits}"


def filled(table: str, *columns: str) -> list[sa.CheckConstraint]:
    """The checks that each of these texts is more than blanks."""
    return [
        sa.CheckConstraint(f"length(trim({column})) > 0", name=op.f(f"ck_{table}_{column}_filled"))
        for column in columns
    ]


def create_tables() -> None:
    op.create_table(
        "rule_set_draft",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("editors", JSON_LIST, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rule_set_draft"),
        sa.CheckConstraint(sha256_form("digest"), name=op.f("ck_rule_set_draft_digest_form")),
        *filled("rule_set_draft", "name", "updated_by"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rule_set_version",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("authors", JSON_LIST, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("draft", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_rule_set_version"),
        sa.UniqueConstraint("digest", name="uq_rule_set_version_digest"),
        sa.CheckConstraint(
            "version = CAST(year AS TEXT) || '.' || CAST(number AS TEXT)"
            " AND year BETWEEN 1000 AND 9999 AND number >= 0",
            name=op.f("ck_rule_set_version_version_form"),
        ),
        sa.CheckConstraint(sha256_form("digest"), name=op.f("ck_rule_set_version_digest_form")),
        *filled("rule_set_version", "published_by", "reason", "document"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rule_set_activation",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("effective_at", MOMENT, nullable=True),
        sa.Column("activated_at", MOMENT, nullable=False),
        sa.Column("activated_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cancels", JSON_LIST, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_rule_set_activation"),
        sa.ForeignKeyConstraint(
            ["version"], ["rule_set_version.version"], name="fk_rule_set_activation_version_rule_set_version"
        ),
        sa.CheckConstraint(
            "(version IS NULL) = (effective_at IS NULL)", name=op.f("ck_rule_set_activation_effective_with_version")
        ),
        *filled("rule_set_activation", "activated_by", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rule_set_withdrawal",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_rule_set_withdrawal"),
        sa.UniqueConstraint("version", name="uq_rule_set_withdrawal_version"),
        sa.ForeignKeyConstraint(
            ["version"], ["rule_set_version.version"], name="fk_rule_set_withdrawal_version_rule_set_version"
        ),
        *filled("rule_set_withdrawal", "withdrawn_by", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_key",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("scopes", JSON_LIST, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("prefix", name="pk_api_key"),
        sa.UniqueConstraint("hash", name="uq_api_key_hash"),
        sa.CheckConstraint(sha256_form("hash"), name=op.f("ck_api_key_hash_form")),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_api_key_revoked_by_someone")),
        *filled("api_key", "prefix", "name", "owner"),
        sqlite_with_rowid=False,
    )
