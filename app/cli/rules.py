"""`joint-risk rules list` and `show`: look at the published rule sets."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

rules_app = typer.Typer(help="Write, publish, activate and look at rule sets.", no_args_is_help=True)


@rules_app.command("list")
def list_rules() -> None:
    """List the published rule sets, newest first, and say which is in force."""
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store
    from app.terminal.page import open_console
    from app.terminal.rule_sets import print_rule_sets

    now = datetime.now(UTC)
    with open_store(read_settings()) as engine:
        store = RuleSetStore(engine)
        entries = page = store.versions(limit=100)
        while page:
            page = store.versions(limit=100, before=page[-1].version)
            entries = entries + page
        print_rule_sets(
            entries,
            in_force=store.in_force(now),
            scheduled=store.scheduled(now),
            withdrawals=store.withdrawals(),
            console=open_console(),
        )


@rules_app.command("show")
def show_rules(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As in 2026.1.")],
    form: Annotated[
        Literal["yaml", "json"],
        typer.Option("--format", help="yaml to read; json is the canonical form, byte for byte what the digest is of."),
    ] = "yaml",
) -> None:
    """Print one rule set: every factor, flag, advice, benefit and source."""
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store
    from app.terminal.rule_sets import write_yaml

    with open_store(read_settings()) as engine:
        published = RuleSetStore(engine).version(version)
    text = published.canonical if form == "json" else write_yaml(published).encode()
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
