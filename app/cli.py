"""`joint-risk`: score a runner, serve the API, look at the rules, migrate the store, ask after a service's health.

Every way of ending has an exit code of its own (`EXIT_MEANINGS`), so that a script need not read sentences. Results go
to standard output, everything else to standard error. Commands import what they need when they are called: a health
check runs every few seconds and has no use for a database.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn

import typer

from app import __version__
from app.errors import (
    Fault,
    FaultyError,
    InvalidInputError,
    InvalidRuleSetError,
    InvalidSettingsError,
    JointRiskError,
    NoRuleSetError,
    SchemaAheadError,
    SchemaBehindError,
    StoreAwayError,
    UnknownRuleSetError,
    UnreadableFileError,
)

EXIT_MEANINGS: Final[dict[int, str]] = {
    0: "done; for health: ready",
    1: "not ready (health), or something unexpected",
    2: "the command line cannot be understood",
    3: "the input is invalid; every fault is printed",
    4: "the store's schema is behind; run: joint-risk migrate",
    5: "the store, or the service at --url, does not answer",
    6: "a file cannot be read",
    7: "no such rule set, none in force, or one that this release cannot load",
    8: "a JOINT_RISK_ setting cannot be used; each is printed",
    9: "the store's schema is ahead; run the newer release",
}
UNEXPECTED: Final = 1
EXIT_OF: Final[dict[type[JointRiskError], int]] = {
    InvalidInputError: 3,
    InvalidRuleSetError: 3,
    InvalidSettingsError: 8,
    NoRuleSetError: 7,
    SchemaAheadError: 9,
    SchemaBehindError: 4,
    StoreAwayError: 5,
    UnknownRuleSetError: 7,
    UnreadableFileError: 6,
}
UNLOADABLE: Final = "rule-set-unloadable"
# The same refusal ends alike whether it was met here or told by a service.
EXIT_OF_SLUG: Final[dict[str, int]] = {error.slug: code for error, code in EXIT_OF.items()} | {
    UNLOADABLE: 7,
    "service-away": 5,
}
_SAID_HERE: Final[dict[type[JointRiskError], str]] = {
    StoreAwayError: "The store does not answer. Check JOINT_RISK_DATABASE_URL, or try again shortly.",
    UnknownRuleSetError: "No published rule set has this version. List them with: joint-risk rules list",
}

MinEvidence = Literal["low", "moderate"]
Detail = Literal["full", "codes", "scores"]

app = typer.Typer(
    help="How much a runner's knees and lower back have to bear, with reasons, sources and doubts.",
    epilog="\n".join(["Exit codes:", *(f"{code}  {meaning}" for code, meaning in EXIT_MEANINGS.items())]),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
rules_app = typer.Typer(help="Look at the published rule sets.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")


def main() -> None:
    """Runs the command line; an error of ours ends in its sentence and its exit code, never in a traceback."""
    try:
        app()
    except JointRiskError as error:
        faults = error.faults if isinstance(error, FaultyError) else ()
        _complain(_SAID_HERE.get(type(error), error.message), faults)
        sys.exit(EXIT_OF_SLUG.get(error.slug, UNEXPECTED))
    except ModuleNotFoundError as missing:
        if missing.name != "psycopg":
            raise
        _complain("PostgreSQL needs a package that is not installed: joint-risk[postgresql].")
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


# --------------------------------------------------------------------------------------------------------- score


@app.command()
def score(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A request as JSON; - reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer for machines, and nothing else.")] = False,
    rule_set: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Score by this version, not by the rules in force.")
    ] = None,
    min_evidence: Annotated[
        MinEvidence | None, typer.Option(help="Leave out every factor whose evidence is weaker than this.")
    ] = None,
    lang: Annotated[str | None, typer.Option(metavar="LANGUAGE", help="Language of the texts; else English.")] = None,
    detail: Annotated[Detail, typer.Option(help="With --json: how much the answer says.")] = "full",
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask a running service instead of scoring here.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every advice, not only the most useful.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")] = False,
) -> None:
    """Score one runner, and show why, how sure that is, and what to do."""
    if detail != "full" and not as_json:
        raise typer.BadParameter(f"'{detail}' holds no texts to show; add --json.", param_hint="--detail")
    body = _read_input(file)
    if url is None:
        from app.terminal.local import score_locally

        try:
            answer = score_locally(
                body,
                now=datetime.now(UTC),
                rule_set=rule_set,
                min_evidence=min_evidence,
                language=lang or "en",
                detail=detail,
            )
        except InvalidRuleSetError as refused:  # the store's, not the user's
            _give_up("The rule set cannot be scored by.", refused.faults, code=EXIT_OF_SLUG[UNLOADABLE])
    else:
        query = {"rule_set": rule_set, "min_evidence": min_evidence, "lang": lang, "detail": detail}
        answer = _score_there(url, body, {name: told for name, told in query.items() if told is not None})
    if as_json:
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()
        return
    import json

    from app.terminal.page import open_console
    from app.terminal.summary import print_summary

    console = open_console(colour="never" if no_color else "auto")
    print_summary(json.loads(answer), console=console, advice="all" if everything else "most")


def _read_input(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as failure:
        raise UnreadableFileError(file) from failure


def _score_there(url: str, body: bytes, query: dict[str, str]) -> bytes:
    from app.terminal.calls import Refusal, ask_for_score

    answer = ask_for_score(_web_address(url), body=body, query=query)
    if isinstance(answer, Refusal):
        _give_up(answer.message, answer.faults, code=EXIT_OF_SLUG.get(answer.slug, UNEXPECTED))
    return answer


# --------------------------------------------------------------------------------------------------------- serve


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; else JOINT_RISK_HOST, or 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen at, 0 for any; else JOINT_RISK_PORT, or 8000.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, on a bare machine; containers run one each.")] = 1,
    migrate: Annotated[bool, typer.Option("--migrate", help="Migrate PostgreSQL first; SQLite always is.")] = False,
) -> None:
    """Serve the API until told to stop."""
    import errno

    from app.api.limits import ensure_bind_is_allowed
    from app.settings import read_settings
    from app.terminal import local
    from app.terminal.serving import bind_socket, run_service

    settings = read_settings(host=host, port=port)
    ensure_bind_is_allowed(settings)
    if settings.auth == "off":
        _warn("JOINT_RISK_AUTH=off: nobody is asked for a key. Let only what checks callers reach this address.")
    if migrate or local.is_embedded(settings):
        local.migrate(settings)
    else:
        try:
            local.ensure_schema(settings)
        except StoreAwayError:
            _warn("The store does not answer yet. The service starts, asks again, and is not ready until then.")
    try:
        bound = bind_socket(settings)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            _give_up(f"Port {settings.port} at {settings.host} is taken. Choose another with --port.")
        _give_up(f"Cannot listen at {settings.host}, port {settings.port}: {failure.strerror or failure}.")
    run_service(bound, settings=settings, workers=workers)


# --------------------------------------------------------------------------------------------------------- rules


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
        print_rule_sets(entries, in_force=store.in_force(now), scheduled=store.scheduled(now), console=open_console())


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


# ----------------------------------------------------------------------------------------------- store and health


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; say whether there is something to do.")
    ] = False,
) -> None:
    """Bring the store up to this release's schema and shipped rules."""
    from app.settings import read_settings
    from app.terminal import local

    settings = read_settings()
    if check:
        local.ensure_schema(settings)
        typer.echo("The store is up to date.")
    else:
        before = local.migrate(settings)
        typer.echo("The store was up to date already." if before == "current" else "The store is up to date now.")


@app.command()
def health(
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The service to ask; else the one at JOINT_RISK_HOST and _PORT.")
    ] = None,
) -> None:
    """Ask a running service whether it may be sent requests."""
    from app.terminal.calls import ask_for_health, local_url

    if url is None:
        from app.settings import read_settings

        settings = read_settings()
        if settings.port == 0:
            _give_up("JOINT_RISK_PORT=0 names no port to ask at. Say where the service is with --url.")
        url = local_url(settings.host, settings.port)
    is_ready, told = ask_for_health(_web_address(url))
    if not is_ready:
        _give_up(f"not ready: {told}")
    typer.echo(told)


# -------------------------------------------------------------------------------------------------- saying no


def _web_address(url: str) -> str:
    from app.terminal.calls import is_web_address

    if not is_web_address(url):
        raise typer.BadParameter("an address begins with http:// or https://.", param_hint="--url")
    return url


def _warn(message: str) -> None:
    typer.echo(f"joint-risk: {message}", err=True)


def _complain(message: str, faults: Iterable[Fault] = ()) -> None:
    _warn(message)
    for fault in faults:
        # A setting is named in the sentence already.
        place = "" if fault.detail.startswith(fault.pointer[1:] + ":") else f"{fault.pointer or 'as a whole'}: "
        typer.echo(f"  {place}{fault.detail}", err=True)


def _give_up(message: str, faults: Iterable[Fault] = (), *, code: int = UNEXPECTED) -> NoReturn:
    _complain(message, faults)
    raise typer.Exit(code)


if __name__ == "__main__":
    main()
