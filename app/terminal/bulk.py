"""A bulk run as a person sees it: the rules it takes, how far it is, what it came to."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from app.bulk.run import Outcome, Progress, RulesFile
from app.errors import UnreadableFileError
from app.rule_sets.bundle import read_bundle
from app.rule_sets.documents import canonical_bytes, digest_of, load_document, read_document
from app.rule_sets.in_force import RulesInForce
from app.rule_sets.store import PublishedRuleSet, RuleSetStore
from app.settings import read_settings
from app.terminal import words
from app.terminal.local import open_store
from app.terminal.page import indent, print_parts, say

UNPUBLISHED: Final = "unpublished"
"""What stands for a version where rules come from a file; their digest says which they are."""


def find_rules(
    now: datetime, *, version: str | None, file: Path | None, bundle: Path | None, compared: str | None
) -> tuple[RulesFile, RulesFile | None]:
    """The rules to score by, and those to compare with; the store is opened only where it is needed.

    Args:
        file: a rule-set document to score by.
        bundle: what stands in for the store: versions and schedule in one file.

    Raises:
        UnknownRuleSetError, NoRuleSetError, InvalidRuleSetError, UnreadableFileError, UnusableFileError: there are no
            such rules.
        InvalidSettingsError, StoreAwayError, SchemaBehindError, SchemaAheadError: the store cannot be used.
    """
    ours = None if file is None else _read_rules(file)
    if ours is not None and compared is None:
        return ours, None
    with ExitStack() as opened:
        settings = read_settings()
        store = RuleSetStore(opened.enter_context(open_store(settings))) if bundle is None else read_bundle(bundle)
        withdrawn = {row.version for row in store.withdrawals()}
        other = None if compared is None else _published(store.version(compared), withdrawn)
        if ours is None and version is not None:
            ours = _published(store.version(version), withdrawn)
        elif ours is None:
            held = RulesInForce(store, poll_s=settings.poll_s, timeout_s=settings.store_timeout_s)
            opened.callback(held.close)
            held.load(now)
            ours = _published(held.active_held(now).published, withdrawn)
    return ours, other


def _published(published: PublishedRuleSet, withdrawn: set[str]) -> RulesFile:
    load_document(published.canonical, media_type="application/json")  # here, and not first in a worker
    return RulesFile(
        published.version, published.digest, published.canonical, is_withdrawn=published.version in withdrawn
    )


def _read_rules(file: Path) -> RulesFile:
    try:
        raw = file.read_bytes()
    except OSError as failure:
        raise UnreadableFileError(str(file)) from failure
    media_type = "application/json" if file.suffix.lower() == ".json" else "application/yaml"
    load_document(raw, media_type=media_type)
    canonical = canonical_bytes(read_document(raw, media_type=media_type))
    return RulesFile(UNPUBLISHED, digest_of(canonical), canonical)


@contextmanager
def shown_progress() -> Iterator[Callable[[Progress], None]]:
    """A bar with rate and time left, on standard error, where that is a terminal."""
    console = Console(stderr=True)
    bar = ProgressBar(
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} a second"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=None, rows=0, rate=0.0)

        def tell(progress: Progress) -> None:
            elapsed_s = bar.tasks[task].elapsed or 0.0
            rate = progress.rows / elapsed_s if elapsed_s else 0.0
            bar.update(task, total=progress.all_bytes, completed=progress.read_bytes, rows=progress.rows, rate=rate)

        yield tell


def print_outcome(outcome: Outcome, *, console: Console) -> None:
    """Prints what a run came to: levels, who was not assessed, refusals by code, moves."""
    manifest, tally = outcome.manifest, outcome.tally
    refused = sum(tally.refused.values())
    parts: list[RenderableType] = [
        say(f"{tally.rows:,} runners in {len(manifest.parts):,} parts, by {manifest.rules.version}", style="bold"),
        say(f"as of {manifest.as_of}, {manifest.rules.digest}"),
    ]
    if outcome.parts_before:
        parts.append(say(f"{outcome.parts_before:,} parts were done before and stayed as they were."))
    for joint, statuses in tally.statuses.items():
        levels = tally.levels[joint]
        others = {words.name(status): count for status, count in statuses.items() if status != "scored"}
        counted = {words.name(level): count for level, count in levels.items()} | others
        parts += ["", say(words.name(joint).upper(), style="bold"), indent(_counts(counted, of=tally.rows))]
        if tally.moves[joint]:
            parts += [indent(say("from level > to level:")), indent(_counts(tally.moves[joint], of=tally.rows))]
    if refused:
        parts += ["", say(f"{refused:,} rows refused; which, and where, is in _refused.csv", style="bold")]
        parts.append(indent(_counts(tally.refused, of=tally.rows)))
    print_parts(parts, console=console)


def _counts(counts: Mapping[str, int], *, of: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for column in ("left", "right", "right"):
        table.add_column(justify="right" if column == "right" else "left", no_wrap=True)
    for name, count in sorted(counts.items(), key=lambda counted: (-counted[1], counted[0])):
        table.add_row(say(name), say(f"{count:,}"), say(f"{100 * count / of:.1f} %"))
    return table
