"""`joint-risk rules check`, `publish` and `import`: from a file to a published version."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.endings import warn
from app.errors import UnreadableFileError

By = Annotated[str | None, typer.Option("--by", help="Who does it, as the ledger records it; else your login name.")]


def read_input(file: str) -> bytes:
    """What a file holds, or standard input."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as failure:
        raise UnreadableFileError(file) from failure


def name_of(by: str | None) -> str:
    """Who acts: as was said, or the login name."""
    import getpass

    if by is not None:
        if not by.strip():
            raise typer.BadParameter("a name is more than blanks.", param_hint="--by")
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise typer.BadParameter("this system has no name for you; say who you are.", param_hint="--by") from None


def check_rules(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A document in YAML or JSON; - reads standard input.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings for machines, with their counterexamples.")
    ] = False,
) -> None:
    """Look for everything that would keep a document from being published."""
    from app.rule_sets.examining import ensure_publishable, examine
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store
    from app.terminal.page import open_console
    from app.terminal.rule_sets import print_findings

    body = read_input(file)
    with open_store(read_settings()) as engine:
        found = examine(body, _media_type_of(file), RuleSetStore(engine).documents())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        print_findings(found, console=open_console())
    ensure_publishable(found)


def publish_rules(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE|-]", help="A document in YAML or JSON; - reads standard input.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Year and number, as in 2026.2; yours to choose, once.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever reads the ledger later.")] = None,
    author: Annotated[
        list[str] | None, typer.Option(help="Who wrote it, several times for several; else whoever publishes it.")
    ] = None,
    by: By = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Publish what ships with this release and is not published yet.")
    ] = False,
) -> None:
    """Publish a document as a version, once it keeps every promise; it is not in force until it is activated."""
    if shipped:
        if file is not None or version is not None or author:
            raise typer.BadParameter("what ships has a file, a version and authors of its own.", param_hint="--shipped")
        _publish_shipped(reason or "Comes with the release.", by=name_of(by))
        return
    if file is None or version is None or reason is None:
        raise typer.BadParameter("say FILE, --version and --reason, or --shipped.")
    publisher = name_of(by)
    _publish(
        read_input(file),
        _media_type_of(file),
        version=version,
        by=publisher,
        authors=tuple(author or [publisher]),
        reason=reason,
    )


def import_rules(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="What 'rules export VERSION' or the API wrote.")],
    reason: Annotated[str | None, typer.Option(help="Why; else the reason that it was published for there.")] = None,
    by: By = None,
) -> None:
    """Publish a version from another store under its own version and digest; done already is done."""
    from app.rule_sets.documents import canonical_bytes
    from app.terminal.rule_sets import read_version_file

    told: dict[str, Any] = read_version_file(read_input(file))
    there = f"Imported; published {told['published_at'][:10]} by {told['published_by']}: {told['reason']}"
    _publish(
        canonical_bytes(told["document"]),
        "application/json",
        version=told["version"],
        by=name_of(by),
        authors=(told["published_by"],),
        reason=reason or there[:1000],
    )


def _publish_shipped(reason: str, *, by: str) -> None:
    from app.rule_sets.documents import canonical_bytes, published_document, shipped_versions
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store

    with open_store(read_settings()) as engine:
        standing = {entry.version for entry in RuleSetStore(engine).versions(limit=10_000)}
    missing = [version for version in shipped_versions() if version not in standing]
    if not missing:
        typer.echo("Everything that ships with this release is published already.")
    for version in missing:
        body = canonical_bytes(published_document(version))
        _publish(body, "application/json", version=version, by=by, authors=("joint-risk",), reason=reason)


def _publish(body: bytes, media_type: str, *, version: str, by: str, authors: tuple[str, ...], reason: str) -> None:
    from app.rule_sets.documents import canonical_bytes, digest_of, read_document
    from app.rule_sets.examining import ensure_publishable, examine
    from app.rule_sets.ledgers import Publication, RuleSetLedgers
    from app.rule_sets.lifecycle import ensure_reason, ensure_second_person, ensure_version_form, is_published_as
    from app.rule_sets.store import RuleSetStore
    from app.settings import read_settings
    from app.terminal.local import open_store

    ensure_version_form(version)
    ensure_reason(reason)
    canonical = canonical_bytes(read_document(body, media_type=media_type))
    digest = digest_of(canonical)
    settings = read_settings()
    with open_store(settings) as engine:
        store = RuleSetStore(engine)
        standing = {entry.version: entry for entry in store.versions(limit=10_000)}.get(version)
        if not is_published_as(digest, standing=standing):
            ensure_second_person(by, authors=authors, second_person=settings.second_person_rule)
            found = examine(body, media_type, store.documents())
            ensure_publishable(found)
            if found:
                warn(f"published with warnings, {len(found)} of them: see 'joint-risk rules check'.")
        ledgers = RuleSetLedgers(engine, second_person=settings.second_person_rule)
        published = ledgers.publish(Publication(version, digest, canonical, by, authors, reason))
    if published.outcome == "published":
        typer.echo(f"{version} is published, {digest}.")
        typer.echo(f"It is not in force. Put it in force with: joint-risk rules activate {version} --reason WHY")
    else:
        typer.echo(f"{version} is published already, with this very document.")


def _media_type_of(file: str) -> str:
    return "application/json" if file.endswith(".json") else "application/yaml"
