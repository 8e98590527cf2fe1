"""`joint-risk rules activate`, `cancel`, `withdraw` and `history`: which rules are in force, by whose word."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from app.cli.desk import By, name_of
from app.cli.endings import warn

Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever reads the ledger later.")]


def activate_rules(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As in 2026.1; an older one to roll back.")],
    reason: Reason,
    at: Annotated[
        str | None, typer.Option(metavar="WHEN", help="From when on, with an offset: 2026-12-01T03:00Z. Else at once.")
    ] = None,
    keep_scheduled: Annotated[
        bool,
        typer.Option(
            "--keep-scheduled", help="What is scheduled still takes effect at its time; else it is cancelled."
        ),
    ] = False,
    by: By = None,
) -> None:
    """Put a version in force, at once or from a moment on."""
    from app.rule_sets.in_force import RulesInForce
    from app.rule_sets.ledgers import RuleSetLedgers
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store

    effective_at = None if at is None else _read_moment(at)
    schedule: Literal["keep", "cancel"] = "keep" if keep_scheduled else "cancel"
    settings = read_settings()
    with open_store(settings) as engine:
        store = RuleSetStore(engine)
        # What this release cannot score by must not be put in force from here.
        held = RulesInForce(store, poll_s=settings.poll_s, timeout_s=settings.store_timeout_s)
        held.pinned(version)
        held.close()
        activated = RuleSetLedgers(engine, second_person=settings.second_person_rule).activate(
            version, reason=reason, by=name_of(by), effective_at=effective_at, schedule=schedule
        )
        row = activated.activation
    when = "from now on" if effective_at is None else f"from {_write_moment(row.effective_at)} on"
    typer.echo(f"{version} is in force {when} (activation {row.sequence}).")
    for sequence in row.cancels:
        typer.echo(f"Activation {sequence}, which was scheduled, is cancelled.")
    for kept in activated.kept:
        typer.echo(
            f"{kept.version} still takes effect at {_write_moment(kept.effective_at)} (now activation {kept.sequence})."
        )
    for coming in activated.outranked:
        warn(
            f"activation {coming.sequence} ({coming.version}, {_write_moment(coming.effective_at)}) was decided before "
            "this one and will not take effect. To keep such, use --keep-scheduled."
        )
    typer.echo(f"Every replica scores by it within {settings.poll_s:g} s of its moment.")


def cancel_activation(
    sequence: Annotated[int, typer.Argument(metavar="SEQUENCE", help="Number of a scheduled activation.")],
    reason: Reason,
    by: By = None,
) -> None:
    """Take a scheduled activation back."""
    from app.rule_sets.ledgers import RuleSetLedgers
    from app.settings import read_settings
    from app.terminal.local import open_store

    with open_store(read_settings()) as engine:
        row = RuleSetLedgers(engine).cancel(sequence, reason=reason, by=name_of(by))
    typer.echo(f"Activation {sequence} is cancelled (by row {row.sequence}).")


def withdraw_rules(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Neither in force nor scheduled.")],
    reason: Reason,
    by: By = None,
) -> None:
    """Say of a version that nobody should use it any more."""
    from app.rule_sets.ledgers import RuleSetLedgers
    from app.settings import read_settings
    from app.terminal.local import open_store

    with open_store(read_settings()) as engine:
        RuleSetLedgers(engine).withdraw(version, reason=reason, by=name_of(by))
    typer.echo(f"{version} is withdrawn. Pinned, it still scores, with a warning; it is never activated again.")


def show_history(
    at: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only what was, is or will be in force then, with an offset.")
    ] = None,
) -> None:
    """Tell who put which rules in force, cancelled or withdrew them, when and why; newest first."""
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store
    from app.terminal.page import open_console
    from app.terminal.rule_sets import print_history

    moment = None if at is None else _read_moment(at)
    now = datetime.now(UTC)
    with open_store(read_settings()) as engine:
        store = RuleSetStore(engine)
        if moment is None:
            rows, withdrawals = store.activations(limit=10_000), store.withdrawals()
        else:
            found = store.in_force(moment)
            rows, withdrawals = ([] if found is None else [found]), []
    print_history(rows, withdrawals, now=now, console=open_console())


def _read_moment(told: str) -> datetime:
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("say day, time and offset, as in 2026-12-01T03:00Z.", param_hint="--at")
    return moment


def _write_moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
