"""`joint-risk`: score a runner, serve the API, look at the rules, hand out keys, migrate the store, ask how it is.

Results go to standard output, everything else to standard error. Commands import what they need when they are called:
a health check runs every few seconds and has no use for a database. Each file here holds the commands of one noun.
"""

import sys
from typing import Annotated

import typer

from app import __version__
from app.cli.bulk import bulk
from app.cli.bundles import export_rules
from app.cli.comparing import diff
from app.cli.decisions import activate_rules, cancel_activation, show_history, withdraw_rules
from app.cli.desk import check_rules, import_rules, publish_rules
from app.cli.endings import EXIT_MEANINGS, EXIT_OF, EXIT_OF_SLUG, SAID_HERE, UNEXPECTED, complain
from app.cli.keys import keys_app
from app.cli.receipts import verify
from app.cli.rules import rules_app
from app.cli.scoring import score
from app.cli.serving import health, migrate, serve
from app.cli.testpacks import verify_testpack
from app.cli.training import training
from app.errors import FaultyError, InvalidSettingsError, JointRiskError

__all__ = ["EXIT_MEANINGS", "EXIT_OF", "app", "main"]

app = typer.Typer(
    help="How much a runner's knees and lower back have to bear, with reasons, sources and doubts.",
    epilog="\n".join(["Exit codes:", *(f"{code}  {meaning}" for code, meaning in EXIT_MEANINGS.items())]),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (score, training, bulk, verify, serve, migrate, health):
    app.command()(command)
rules_app.command("check")(check_rules)
rules_app.command("publish")(publish_rules)
rules_app.command("activate")(activate_rules)
rules_app.command("cancel")(cancel_activation)
rules_app.command("withdraw")(withdraw_rules)
rules_app.command("history")(show_history)
rules_app.command("export")(export_rules)
rules_app.command("import")(import_rules)
rules_app.command("diff")(diff)
rules_app.command("verify-testpack")(verify_testpack)
app.add_typer(rules_app, name="rules")
app.add_typer(keys_app, name="keys")


def main() -> None:
    """Runs the command line; an error of ours ends in its sentence and its exit code, never in a traceback."""
    try:
        app()
    except JointRiskError as error:
        faults = error.faults if isinstance(error, FaultyError) else ()
        complain(SAID_HERE.get(type(error), error.message), faults)
        sys.exit(EXIT_OF_SLUG.get(error.slug, UNEXPECTED))
    except ModuleNotFoundError as missing:
        if missing.name != "psycopg":
            raise
        complain("PostgreSQL needs a package that is not installed: joint-risk[postgresql].")
        sys.exit(EXIT_OF[InvalidSettingsError])


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"joint-risk {__version__}")
        raise typer.Exit


@app.callback()
def _before_any_command(
    version: Annotated[
        bool, typer.Option("--version", help="Say which release this is.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    """Options that stand before any command."""
