"""Runs migrations in one transaction that no other migration shares, whoever called."""

from sqlalchemy import Connection

from alembic import context
from app.access.store import api_key
from app.database import metadata, migration_connection
from app.rule_sets import store
from app.settings import read_settings


def run_on(connection: Connection) -> None:
    """Runs what was asked for inside the transaction that `connection` is in; the caller commits."""
    for table in (store.rule_set_version, api_key):
        assert table.metadata is metadata  # the import is what fills the metadata with tables
    context.configure(
        connection=connection,
        target_metadata=metadata,
        autogenerate_plugins=["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
    )
    context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("These migrations read before they write, so they need a database: --sql cannot work.")
given = context.config.attributes.get("connection")
if given is not None:
    run_on(given)
else:
    with migration_connection(read_settings().database_url) as opened:
        run_on(opened)
