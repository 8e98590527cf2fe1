"""Rule set 2026.1 is put in from its frozen file and activated, so that a new database gives a service that scores.

It is the only rule set that a migration ever puts in: later ones are published by a person. Where rules were activated
before this ran (after a partial way back), it activates nothing, because no upgrade changes which rules are in force.
The way back removes the rows that were put in here and nothing else, and refuses when others stand on them.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DIGEST = "sha256:80558d65ad6f1b68f5bb00d2275e09d7f01c9fb50ed0df0d3d3de79fde098698"
DOCUMENT = Path(__file__).parent.parent / "frozen" / "2026.1.json"

VERSION, YEAR, NUMBER = "2026.1", 2026, 1
PUBLISHER = "joint-risk"
PUBLISHED_AT = datetime(2026, 11, 24, tzinfo=UTC)
# From the beginning of its year on: a machine whose clock is somewhat behind must have rules in force too.
EFFECTIVE_AT = datetime(2026, 1, 1, tzinfo=UTC)
REASON = "The rule set that comes with the service."

MOMENT = sa.DateTime(timezone=True)
JSON_LIST = sa.JSON().with_variant(JSONB(), "postgresql")
rule_set_version = sa.table(
    "rule_set_version",
    sa.column("version", sa.Text()),
    sa.column("year", sa.Integer()),
    sa.column("number", sa.Integer()),
    sa.column("digest", sa.Text()),
    sa.column("published_at", MOMENT),
    sa.column("published_by", sa.Text()),
    sa.column("authors", JSON_LIST),
    sa.column("reason", sa.Text()),
    sa.column("draft", sa.Text()),
    sa.column("document", sa.Text()),
)
rule_set_activation = sa.table(
    "rule_set_activation",
    sa.column("sequence", sa.Integer()),
    sa.column("version", sa.Text()),
    sa.column("effective_at", MOMENT),
    sa.column("activated_at", MOMENT),
    sa.column("activated_by", sa.Text()),
    sa.column("reason", sa.Text()),
    sa.column("cancels", JSON_LIST),
)
rule_set_withdrawal = sa.table("rule_set_withdrawal", sa.column("version", sa.Text()))
OWN_VERSION = sa.and_(rule_set_version.c.version == VERSION, rule_set_version.c.published_by == PUBLISHER)
OWN_ACTIVATION = sa.and_(rule_set_activation.c.version == VERSION, rule_set_activation.c.activated_by == PUBLISHER)


def upgrade() -> None:
    bind = op.get_bind()
    canonical = DOCUMENT.read_bytes()
    found = "sha256:" + hashlib.sha256(canonical).hexdigest()
    if found != DIGEST:
        raise CommandError(
            f"The frozen file of rule set {VERSION} has the digest {found}, not {DIGEST}: do not use it."
        )
    taken = bind.scalar(sa.select(rule_set_version.c.digest).where(rule_set_version.c.version == VERSION))
    if taken not in (None, DIGEST):
        raise CommandError(
            f"Another rule set is published as {VERSION} here, with the digest {taken}. Nothing was changed."
        )
    if taken is None:
        bind.execute(
            rule_set_version.insert().values(
                version=VERSION,
                year=YEAR,
                number=NUMBER,
                digest=DIGEST,
                published_at=PUBLISHED_AT,
                published_by=PUBLISHER,
                authors=[PUBLISHER],
                reason=REASON,
                draft=None,
                document=canonical.decode("utf-8"),
            )
        )
    if not bind.scalar(sa.select(sa.func.count()).select_from(rule_set_activation)):
        bind.execute(
            rule_set_activation.insert().values(
                sequence=1,
                version=VERSION,
                effective_at=EFFECTIVE_AT,
                activated_at=PUBLISHED_AT,
                activated_by=PUBLISHER,
                reason=REASON,
                cancels=[],
            )
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        downgrade_sqlite()
    else:
        downgrade_postgresql()


def downgrade_sqlite() -> None:
    bind = op.get_bind()
    ensure_nothing_stands_on_it()
    guards = bind.execute(
        sa.text(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND tbl_name IN ('rule_set_version', 'rule_set_activation')"
        )
    ).all()
    for name, _ in guards:
        bind.exec_driver_sql(f"DROP TRIGGER {name}")
    remove_own_rows()
    for _, definition in guards:
        bind.exec_driver_sql(definition, execution_options={"no_parameters": True})


def downgrade_postgresql() -> None:
    # Switching the triggers off locks the tables, so nobody can come to stand on the rows between check and removal.
    op.execute("ALTER TABLE rule_set_version DISABLE TRIGGER USER")
    op.execute("ALTER TABLE rule_set_activation DISABLE TRIGGER USER")
    ensure_nothing_stands_on_it()
    remove_own_rows()
    op.execute("ALTER TABLE rule_set_activation ENABLE TRIGGER USER")
    op.execute("ALTER TABLE rule_set_version ENABLE TRIGGER USER")


def ensure_nothing_stands_on_it() -> None:
    """Raises unless the rows put in here can go without a hole in a ledger."""
    bind = op.get_bind()
    activation, withdrawal = rule_set_activation, rule_set_withdrawal
    own = bind.scalar(sa.select(activation.c.sequence).where(OWN_ACTIVATION, activation.c.sequence == 1))
    others = sa.select(sa.func.count()).select_from(activation)
    others = others.where(activation.c.sequence > 1) if own else others.where(activation.c.version == VERSION)
    activations = bind.scalar(others) or 0
    withdrawals = bind.scalar(sa.select(sa.func.count()).where(withdrawal.c.version == VERSION)) or 0
    if activations or withdrawals:
        raise CommandError(
            f"Rule set {VERSION} stays, because others stand on it: {activations} later activations"
            f" and {withdrawals} withdrawals. Nothing was changed."
        )


def remove_own_rows() -> None:
    bind = op.get_bind()
    bind.execute(rule_set_activation.delete().where(OWN_ACTIVATION, rule_set_activation.c.sequence == 1))
    bind.execute(rule_set_version.delete().where(OWN_VERSION))
