"""`joint-risk bulk`: files of runners in, files of scores out."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.endings import EXIT_OF, give_up, warn
from app.errors import InvalidRuleSetError, WorkDiedError

Form = Literal["parquet", "arrow", "csv", "jsonl"]


def bulk(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A file, or a folder of files: Parquet, Arrow, CSV, JSON lines.")
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A folder; a run that was broken off in it goes on.", file_okay=False)
    ],
    form: Annotated[Form, typer.Option("--format", help="Of the files that are written.")] = "parquet",
    rule_set: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Score by this version, not by the rules in force.")
    ] = None,
    rules_file: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FILE", help="Score by this rule-set document (YAML or JSON); no store."),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take versions and schedule from this bundle; no store.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DAY", help="Day of the rows that name none (YYYY-MM-DD); else today in UTC.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Count who moves between levels against this version.")
    ] = None,
    contributions: Annotated[
        bool, typer.Option("--contributions", help="Write what every factor carries, as a column of lists.")
    ] = False,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Pass this input column through; may stand several times.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="COUNT", help="Processes, each on whole files; else one a core.")
    ] = None,
) -> None:
    """Score files of runners, file by file, with all cores; go on where it was broken off."""
    if rule_set is not None and rules_file is not None:
        raise typer.BadParameter("choose one of --rule-set and --rules.", param_hint="--rules")
    try:
        import pyarrow  # noqa: F401 - asked for by name: without it nothing below can be imported
    except ModuleNotFoundError:
        give_up("Bulk runs need a package that is not installed: joint-risk[bulk].")
    from app.bulk.manifest import Options
    from app.bulk.run import begin_run, finish_run
    from app.terminal.bulk import find_rules, print_outcome, shown_progress
    from app.terminal.page import open_console

    now = datetime.now(UTC)
    try:
        rules, compared = find_rules(now, version=rule_set, file=rules_file, bundle=bundle, compared=compare)
    except InvalidRuleSetError as refused:
        give_up("The rule set cannot be scored by.", refused.faults, code=EXIT_OF[InvalidRuleSetError])
    options = Options(form, contributions, tuple(keep or ()))
    manifest = begin_run(
        source, out, rules=rules, compared=compared, today=now.date(), as_of=_read_day(as_of), options=options
    )
    try:
        with shown_progress() as tell:
            outcome = finish_run(
                source, out, manifest=manifest, rules=rules, compared=compared, workers=workers, tell=tell
            )
    except WorkDiedError:
        give_up(
            "A worker was ended from outside (for want of memory, say). The parts that are done stay; "
            "run the same command again to go on, with fewer --workers.",
            code=EXIT_OF[WorkDiedError],
        )
    except KeyboardInterrupt:
        warn("Broken off. The parts that are done stay; run the same command again to go on.")
        raise typer.Exit(130) from None
    print_outcome(outcome, console=open_console())


def _read_day(told: str | None) -> date | None:
    try:
        return None if told is None else date.fromisoformat(told)
    except ValueError:
        raise typer.BadParameter("a day is written as YYYY-MM-DD.", param_hint="--as-of") from None
