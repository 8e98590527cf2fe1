"""`joint-risk rules diff`: what one rule set says otherwise than another, and who would change level."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.endings import EXIT_OF_SLUG, UNLOADABLE, give_up
from app.errors import InvalidRuleSetError, UnreadableFileError

if TYPE_CHECKING:
    from app.rule_sets.changes import Json
    from app.scoring.compiled import CompiledRuleSet

_VERSION = re.compile(r"[0-9]{4}\.[0-9]{1,9}")


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A published version, or a file of rules.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What it is compared with: what would change by it.")],
    cohort: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Your own runners, a request a line; else the reference population."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the comparison for machines, and nothing else.")
    ] = False,
    changelog: Annotated[
        bool, typer.Option("--changelog", help="Draft the entry of RULES-CHANGELOG.md, and print nothing else.")
    ] = False,
) -> None:
    """Compare two rule sets: factor by factor, and over people."""
    if as_json and changelog:
        raise typer.BadParameter("it goes without --json.", param_hint="--changelog")
    from app.rule_sets.changelog import draft_changelog

    comparison = _compare(_rules(a), _rules(b), cohort=cohort)
    if as_json:
        import json

        typer.echo(json.dumps(comparison, ensure_ascii=False))
    elif changelog:
        typer.echo(draft_changelog(comparison), nl=False)
    else:
        from app.terminal.comparison import print_comparison
        from app.terminal.page import open_console

        print_comparison(comparison, console=open_console())


def _rules(named: str) -> "CompiledRuleSet":
    if _VERSION.fullmatch(named):
        from app.terminal.local import published_rules

        try:
            return published_rules(named)
        except InvalidRuleSetError as refused:  # the store's, not the user's
            give_up(f"The rule set {named} cannot be loaded.", refused.faults, code=EXIT_OF_SLUG[UNLOADABLE])
    from app.terminal.rules_files import read_rules_file

    return read_rules_file(named).compiled()


def _compare(before: "CompiledRuleSet", after: "CompiledRuleSet", *, cohort: str | None) -> "Json":
    from app.population import AS_OF
    from app.rule_sets.comparison import compare_rule_sets, cut_lines, population_lines

    if cohort is None:
        return compare_rule_sets(before, after, population_lines(), people_are="reference", today=AS_OF)
    try:
        with Path(cohort).open("rb") as file:
            today = datetime.now(UTC).date()
            return compare_rule_sets(before, after, cut_lines(file), people_are="cohort", today=today)
    except OSError as failure:
        raise UnreadableFileError(cohort) from failure
