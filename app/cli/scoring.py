"""`joint-risk score`: one runner, scored here or by a service."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.endings import EXIT_OF_SLUG, UNEXPECTED, UNLOADABLE, ensure_web_address, give_up, warn
from app.cli.training import TimeZone, read_training
from app.errors import InvalidRuleSetError, UnreadableFileError

MinEvidence = Literal["low", "moderate"]
Detail = Literal["full", "codes", "scores"]


def score(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A request as JSON; - reads standard input.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH...]", help="More files and folders for --training.")
    ] = None,
    training: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH...", help="Training files and folders, in place of the request's sessions."),
    ] = None,
    time_zone: TimeZone = None,
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
    if training:
        body = _with_training(body, [*training, *(more or [])], time_zone=time_zone)
    elif more:
        raise typer.BadParameter("one runner at a time; training files follow --training.", param_hint="PATH")
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
            give_up("The rule set cannot be scored by.", refused.faults, code=EXIT_OF_SLUG[UNLOADABLE])
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


def _with_training(body: bytes, paths: list[str], *, time_zone: str | None) -> bytes:
    """The request with the training that the files hold; what is doubtful about them goes to standard error."""
    import json

    from app.errors import Fault, InvalidInputError
    from app.terminal.training_files import fill_in

    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInputError([Fault("", "not-json", "The profile is not JSON in UTF-8.")]) from None
    day = request.get("as_of") if isinstance(request, dict) else None
    imported = read_training(paths, as_of=day if isinstance(day, str) else None, time_zone=time_zone)
    for found in imported["findings"]:
        if found["severity"] == "warning":
            # Some are about the whole log, and no file's.
            warn(found["message"] if found["source"] is None else f"{found['source']}: {found['message']}")
    count = len(imported["training"]["sessions"])
    warn(f"{count} {'run' if count == 1 else 'runs'} of the last 400 days {'was' if count == 1 else 'were'} read.")
    return json.dumps(fill_in(request, imported)).encode()


def _score_there(url: str, body: bytes, query: dict[str, str]) -> bytes:
    from app.settings import read_settings
    from app.terminal.calls import Refusal, ask_for_score

    answer = ask_for_score(ensure_web_address(url), body=body, query=query, key=read_settings().key)
    if isinstance(answer, Refusal):
        give_up(answer.message, answer.faults, code=EXIT_OF_SLUG.get(answer.slug, UNEXPECTED))
    return answer
